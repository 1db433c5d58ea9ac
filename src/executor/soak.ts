import { outcomeOfRow } from '../plan/outcomes.js';
import { verdictTable } from '../plan/states.js';
import { observe } from './observed.js';
import type { RunScope } from './run-scope.js';

/** Nodes that are asked at once at the end of a soak. */
const ASKED_AT_ONCE = 20;

/** Looks at nodes whose soak is over: still what was committed, or fallen back meanwhile. A node that cannot be asked keeps its commit. */
export async function settleSoak(scope: RunScope, nodes: readonly string[]): Promise<void> {
  for (let index = 0; index < nodes.length; index += ASKED_AT_ONCE) {
    await Promise.all(nodes.slice(index, index + ASKED_AT_ONCE).map(async (node) => settleOne(scope, node)));
  }
}

async function settleOne(scope: RunScope, node: string): Promise<void> {
  const { plan, deps, recorder, stopper } = scope;
  const call = { verb: 'status' as const, fields: { run: plan.id }, timeoutMs: 60_000 };
  const answer = await deps.kit.call(node, call, stopper.detachSignal);
  const observed = answer.kind === 'ok' ? observe(answer.lines) : null;
  const after = Object.entries(scope.nodes.get(node)?.expectAfter ?? {});
  const kept =
    observed === null || after.every(([component, digest]) => (observed.components[component] ?? null) === digest);
  if (kept) {
    await recorder.move(node, 'succeeded', { message: 'soaked' });
    return;
  }
  const later = answer.kind === 'ok' ? answer.lines.find((line) => line.t === 'later') : undefined;
  const why = typeof later?.['why'] === 'string' ? later['why'] : 'fell back';
  await recorder.settle(node, outcomeOfRow(verdictTable['reverted-later'], { why }));
}
