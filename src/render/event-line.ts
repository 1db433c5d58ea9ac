import type { RunEvent } from '../executor/events.js';
import type { NodeState } from '../plan/types.js';
import { escapeForTerminal as safe } from '../util/escape.js';
import { wordOf } from './states.js';
import { count, duration } from './units.js';

/** States that matter only to somebody who watches. */
const passing: ReadonlySet<NodeState> = new Set<NodeState>(['planned']);

/** An event as one line of text, without its time; undefined for what only a program wants to know. `steps`: single steps, too. */
export function eventLine(event: RunEvent, options: { steps?: boolean } = {}): string | undefined {
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
      return options.steps === true ? `${safe(event.node)} begins ${step(event)}` : undefined;
    case 'step-finished':
      return options.steps === true
        ? `${safe(event.node)} ends ${step(event)}: ${event.outcome.kind}, ${safe(event.outcome.message)}`
        : undefined;
    case 'step-progress':
      return undefined;
  }
}

function step({ action, attempt }: { action: string; attempt: number }): string {
  return attempt === 1 ? safe(action) : `${safe(action)}, attempt ${attempt}`;
}

/** The node that an event is about; undefined when it is about the whole run. */
export function nodeOfEvent(event: RunEvent): string | undefined {
  return 'node' in event ? event.node : undefined;
}
