import { strongestExit } from '../plan/states.js';
import type { Plan } from '../plan/types.js';

/** A plan for the envelope: without slices and signature, which are for nodes. */
export function planData(plan: Plan): Record<string, unknown> {
  return {
    plan: plan.id,
    kind: plan.kind,
    digest: plan.digest,
    createdAt: plan.createdAt,
    validUntil: plan.validUntil,
    policy: plan.policy,
    changes: plan.changes,
    stages: plan.stages.map(({ name, nodes, first, concurrency, gate }) => ({ name, nodes, first, concurrency, gate })),
    nodes: plan.nodes.map(({ id, site, stage, expectBefore, expectAfter, skip }) => ({
      id,
      site,
      stage,
      before: expectBefore,
      after: expectAfter,
      ...(skip === undefined ? {} : { skip }),
    })),
  };
}

/** Exit code of a plan that has nothing to carry out: 4 when every node that matters was refused, 3 when some are out of reach. */
export function planExitCode(plan: Plan): number {
  const skipped = plan.nodes.flatMap((node) => (node.skip === undefined ? [] : [node.skip.state]));
  const refused = skipped.filter((state) => state === 'refused').length;
  const fine = skipped.filter((state) => state === 'noop').length;
  return strongestExit([
    refused === 0 ? 0 : fine === 0 ? 4 : 1,
    skipped.includes('failed') ? 1 : 0,
    skipped.includes('offline') || skipped.includes('blocked') ? 3 : 0,
  ]);
}
