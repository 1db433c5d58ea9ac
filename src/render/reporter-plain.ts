import type { Clock } from '../util/clock.js';
import { escapeForTerminal as safe } from '../util/escape.js';
import { eventLine } from './event-line.js';
import type { ReporterPart, Ticker } from './reporter-parts.js';
import type { RunView } from './run-view.js';
import { settled } from './states.js';
import { count, stopwatch } from './units.js';

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
      const line = eventLine(event);
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
