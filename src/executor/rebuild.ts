import type { KitLine } from '../node/types.js';
import { outcomeOfRow, outcomeOfSilence, outcomeOfRefusal, outcomeOfTx } from '../plan/outcomes.js';
import { verdictTable } from '../plan/states.js';
import type { Outcome, Plan, PlanNode } from '../plan/types.js';
import { fingerprint, newestTransaction, observe } from './observed.js';
import type { ExecutorDeps } from './types.js';

/** Nodes that are asked at once. */
const ASKED_AT_ONCE = 50;

/** What the nodes say of a run. */
export interface Rebuilt {
  /** Nodes that know the run. */
  known: number;
  /** Nodes that could not be asked. */
  unreachable: number;
  nodes: { node: string; outcome: Outcome }[];
}

/**
 * Writes the journal's rows of a run again from the plan and from what each node has recorded. What a node has not begun stays
 * `planned`; an open transaction becomes `in_doubt` and is asked about when the run is resumed.
 */
export async function rebuildFromNodes(
  plan: Plan,
  deps: Pick<ExecutorDeps, 'journal' | 'kit'>,
  signal?: AbortSignal,
): Promise<Rebuilt> {
  const rebuilt: Rebuilt = { known: 0, unreachable: 0, nodes: [] };
  const nodes = plan.nodes.filter((node) => node.stage !== null);
  for (let index = 0; index < nodes.length; index += ASKED_AT_ONCE) {
    const asked = nodes
      .slice(index, index + ASKED_AT_ONCE)
      .map(async (node) => ({ node, learned: await learn(plan, node, deps, signal) }));
    for (const { node, learned } of await Promise.all(asked)) {
      if (learned.knows) rebuilt.known += 1;
      if (learned.outcome.kind === 'unreachable' && learned.outcome.state === 'offline') rebuilt.unreachable += 1;
      rebuilt.nodes.push({ node: node.id, outcome: learned.outcome });
    }
  }
  if (rebuilt.known > 0) await write(plan, deps, rebuilt);
  return rebuilt;
}

async function learn(
  plan: Plan,
  node: PlanNode,
  deps: Pick<ExecutorDeps, 'kit'>,
  signal?: AbortSignal,
): Promise<{ knows: boolean; outcome: Outcome }> {
  const answer = await deps.kit.call(node.id, { verb: 'status', fields: { run: plan.id }, timeoutMs: 60_000 }, signal);
  if (answer.kind === 'refused') return { knows: false, outcome: outcomeOfRefusal(answer) };
  if (answer.kind !== 'ok') return { knows: false, outcome: outcomeOfSilence(answer, false) };
  return learnFromLines(plan, node, answer.lines);
}

/** What one node's `status` says of a run; pure. */
export function learnFromLines(
  plan: Plan,
  node: PlanNode,
  lines: readonly KitLine[],
): { knows: boolean; outcome: Outcome } {
  const seen = newestTransaction(lines, plan.id, node.id);
  if (seen === undefined) {
    const observed = observe(lines);
    const after = observed !== null && fingerprint(node, observed) === 'after';
    if (after) return { knows: false, outcome: outcomeOfRow(verdictTable.noop, {}) };
    return { knows: false, outcome: { kind: 'skipped', state: 'planned', message: 'the node has not begun it' } };
  }
  const outcome = outcomeOfTx(seen.tx);
  if (outcome.kind === 'ok') return { knows: true, outcome: { ...outcome, kind: 'unreachable', state: 'in_doubt' } };
  if (outcome.retryable === true) return { knows: true, outcome: { ...outcome, state: 'planned' } };
  return { knows: true, outcome };
}

async function write(plan: Plan, deps: Pick<ExecutorDeps, 'journal'>, rebuilt: Rebuilt): Promise<void> {
  const { runs } = deps.journal;
  await runs.create(plan);
  await runs.setState(plan.id, 'interrupted', { exitCode: 3, message: 'rebuilt from the nodes' });
  const stageOf = new Map(plan.nodes.map((node) => [node.id, node.stage ?? '']));
  await Promise.all(
    rebuilt.nodes.map(async ({ node, outcome }) =>
      runs.setNode(plan.id, {
        node,
        stage: stageOf.get(node) ?? '',
        state: outcome.state,
        why: outcome.why ?? null,
        message: outcome.message,
        log: outcome.log ?? null,
      }),
    ),
  );
}
