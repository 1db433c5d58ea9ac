import type { NodeState } from '../plan/types.js';
import { nodeStateRow } from '../plan/states.js';

/**
 * The command that helps most with a node that is not where it should be, ready to paste: it names the cause, or removes it. Undefined when
 * there is nothing to do for it. `why` is the reason's code, as in events and tables of states.
 */
export function remedyFor(at: {
  state: NodeState;
  why?: string | null | undefined;
  node: string;
  run: string;
}): string | undefined {
  const { state, node, run } = at;
  const code = at.why?.split(':', 1)[0] ?? '';
  const doctor = `edgectl node doctor ${node}`;
  switch (code) {
    case 'host-key-unknown':
      return `edgectl node trust ${node}`;
    case 'host-key-changed':
      return `edgectl node trust ${node} --replace`;
    case 'crash':
    case 'health':
    case 'hang':
      return `edgectl node logs ${node}`;
    case 'closed':
      // It was there a moment ago: asking again is what helps.
      return state === 'offline' ? `edgectl resume ${run}` : doctor;
    case 'power':
    case 'reboot':
    case 'runner-died':
    case 'deadline':
      return nodeStateRow(state).scored === 'failure' ? `edgectl resume ${run} --retry ${node}` : doctor;
    case 'veto':
    case 'lock':
    case 'superseded':
      return undefined;
    case 'DENIED':
      return `edgectl node undeny ${node}`;
    case 'fingerprint':
      return `edgectl node facts ${node}`;
    default:
      return asksForSomebody.has(state) ? doctor : undefined;
  }
}

const asksForSomebody: ReadonlySet<NodeState> = new Set<NodeState>([
  'offline',
  'in_doubt',
  'timed_out',
  'failed',
  'refused',
  'rolled_back',
  'rollback_failed',
  'reverted_later',
]);
