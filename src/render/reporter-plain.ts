import type { RunEvent } from '../executor/events.js';
import type { NodeState } from '../plan/types.js';
import type { Clock } from '../util/clock.js';
import { escapeForTerminal as safe } from '../util/escape.js';
import type { ReporterPart, Ticker } from './reporter-parts.js';
import type { RunView } from './run-view.js';
import { settled, wordOf } from './states.js';
import { count, duration, stopwatch } from './units.js';

const heartbeatMs = 30_000;

/** A line per change of state, and a heartbeat when nothing was said for half a minute. For logs and CI. */
export function createPlainReporter(
  { stderr, clock, every }: { stderr: NodeJS.WritableStream; clock: Clock; every: Ticker },
  view: RunView,
): ReporterPart {
  let last = clock.now();
  const say = (line: string): void => {
    last = clock.now();
    stderr.write(`${line}\n`);
  };
  const stop = every(heartbeatMs, () => {
    if (view.end === undefined && view.run !== '' && clock.now() - last >= heartbeatMs)
      say(heartbeat(view, clock.now()));
  });
  return {
    event: (event) => {
      const line = lineOf(event);
      if (line !== undefined) say(`${event.at.slice(0, 19)}Z ${line}`);
    },
    close: async () => {
      stop();
    },
  };
}

function heartbeat(view: RunView, now: number): string {
  const done = view.count(...settled);
  const busy = [...view.busy]
    .slice(0, 3)
    .map((id) => `${safe(id)} ${view.nodes.get(id)?.progress?.message ?? ''}`.trim());
  const at = new Date(now).toISOString().slice(0, 19);
  const doing = busy.length === 0 ? 'nothing in flight' : `in flight: ${busy.join(', ')}`;
  return `${at}Z still running, ${stopwatch(now - (view.startedAt ?? now))} elapsed, ${done} of ${count(view.total, 'node')} settled, ${doing}`;
}

/** States that matter only to somebody who watches. */
const passing: ReadonlySet<NodeState> = new Set<NodeState>(['planned']);

function lineOf(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'run-started':
      return `run ${event.run} ${event.resumed ? 'resumed' : 'started'}: ${count(event.nodes, 'node')} of ${safe(event.fleet)} in ${count(event.stages.length, 'stage')}`;
    case 'stage-started':
      return `stage ${event.stage} started: ${count(event.nodes.length, 'node')}`;
    case 'node-state':
      return passing.has(event.to)
        ? undefined
        : `${safe(event.node)} ${wordOf(event.to, event.why)}${event.message === '' ? '' : `: ${safe(event.message)}`}`;
    case 'gate':
      return `gate of ${event.stage} ${event.verdict}: ${safe(event.message)}`;
    case 'soak':
      return `stage ${event.stage} soaks for ${duration(event.ms)}`;
    case 'signal':
      return safe(event.message);
    case 'warning': {
      const spoken = event.node === undefined || event.message.includes(event.node);
      return spoken ? safe(event.message) : `${safe(event.node ?? '')}: ${safe(event.message)}`;
    }
    case 'run-finished':
      return `run ${event.run} ${event.state.replaceAll('_', ' ')} after ${duration(event.elapsedMs)}`;
    case 'step-started':
    case 'step-progress':
    case 'step-finished':
      return undefined;
  }
}
