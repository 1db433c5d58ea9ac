import { nodeStateRow } from '../plan/states.js';
import type { Plan } from '../plan/types.js';
import type { RunScope } from './run-scope.js';
import type { RunResult } from './types.js';

/** Takes back what a failed run has committed, as a run of its own. False when there is no way back or it did not come to its end. */
export async function rollBack(scope: RunScope, execute: (plan: Plan) => Promise<RunResult>): Promise<boolean> {
  const { plan, deps, recorder } = scope;
  const committed = recorder
    .all()
    .filter((node) => nodeStateRow(node.state).scored === 'success')
    .map((node) => node.node);
  if (committed.length === 0) return true;
  const way = deps.planRollback === undefined ? null : await deps.planRollback({ plan, nodes: committed });
  if (way === null) {
    recorder.emit({ type: 'warning', message: 'the gate asks for a rollback, and no plan for it could be made' });
    return false;
  }
  recorder.emit({ type: 'warning', message: `rolling back ${committed.length} node(s) with run ${way.id}` });
  const result = await execute(way);
  for (const node of result.nodes.filter((candidate) => committed.includes(candidate.node))) {
    const back = node.state === 'succeeded' || node.state === 'noop';
    if (back) await recorder.move(node.node, 'rolled_back', { message: `by run ${way.id}`, why: 'operator' });
    if (node.state === 'rollback_failed') await recorder.move(node.node, 'rollback_failed', { message: node.message });
  }
  return result.nodes.some((node) => node.state === 'succeeded' || node.state === 'noop');
}
