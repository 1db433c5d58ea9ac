import type { StateCounts } from '../plan/run-summary.js';
import type { RunState } from '../plan/types.js';

/** The last sentence of a run: what it came to, how many nodes are where, and what reverts by itself. */
export function closingSentence(state: RunState, counts: StateCounts, open: string): string {
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name.replaceAll('_', ' ')}`);
  const nodes = parts.length === 0 ? 'no nodes' : parts.join(', ');
  return `${state.replaceAll('_', ' ')}: ${nodes}${open === '' ? '' : `; ${open}`}`;
}
