import type { PendingWork } from '../../drift/types.js';
import type { Journal } from '../../journal/journal.js';
import type { NodeState, RunState } from '../../plan/types.js';

/** Runs that go on by themselves or with `edgectl resume`. */
const open: ReadonlySet<RunState> = new Set<RunState>([
  ...(['waiting', 'running', 'paused', 'halted', 'interrupted', 'succeeded_with_stragglers'] as const),
]);

/** States of a node in which a run still means to change it. */
const toCome: ReadonlySet<NodeState> = new Set<NodeState>([
  ...(['planned', 'blocked', 'offline', 'staged', 'applying', 'in_doubt', 'late', 'soaking'] as const),
]);

/** What the runs in the journal have still to do, by their frozen plans. */
export async function pendingWork(journal: Journal): Promise<PendingWork[]> {
  const runs = (await journal.runs.list(1000)).filter(({ state }) => open.has(state));
  const work: PendingWork[] = [];
  for (const { id: run } of runs) {
    const plan = await journal.runs.plan(run);
    if (plan === undefined) continue;
    const states = new Map((await journal.runs.nodes(run)).map(({ node, state }) => [node, state]));
    for (const node of plan.nodes) {
      const state = states.get(node.id) ?? node.skip?.state ?? (node.stage === null ? undefined : 'planned');
      if (state === undefined || !toCome.has(state)) continue;
      // Of a node that was not seen at plan time only the intent is known: what the plan brings to all.
      const after = Object.keys(node.expectAfter).length > 0 ? node.expectAfter : broughtBy(plan.changes);
      for (const [component, digest] of Object.entries(after))
        work.push({ node: node.id, component, digest: digest === null ? null : `sha256:${bare(digest)}`, run });
    }
  }
  return work;
}

function broughtBy(
  changes: readonly { component: string; to: { digest: string } | null }[],
): Record<string, string | null> {
  return Object.fromEntries(changes.map(({ component, to }) => [component, to?.digest ?? null]));
}

function bare(digest: string): string {
  return digest.replace(/^sha256:/, '');
}
