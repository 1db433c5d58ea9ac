import type { Step, Plan, PlanNode } from '../plan/types.js';
import type { MerkleTree } from '../plan/merkle.js';
import type { AttemptRecord } from '../journal/attempts.js';
import type { Recorder } from './recorder.js';
import type { Stopper } from './stopper.js';
import type { OpenTrials } from './trials.js';
import type { BoundaryPoint, ExecutorDeps } from './types.js';

/** What the parts of one execution share. */
export interface RunScope {
  plan: Plan;
  deps: ExecutorDeps;
  recorder: Recorder;
  stopper: Stopper;
  trials: OpenTrials;
  tree: MerkleTree | null;
  nodes: ReadonlyMap<string, PlanNode>;
  /** Steps by node in their order, those compiled at first contact included. */
  steps: Map<string, Step[]>;
  /** Attempts by node, as the journal has them. */
  attempts: Map<string, AttemptRecord[]>;
  resumed: boolean;
  /** Nodes that the plan leaves out of the first pass have their turn, too: what it saw of them is of another day. */
  asksAbsent: boolean;
}

/** Milliseconds from the start of a trial until the node decides by itself, at most. */
export function trialMs(plan: Plan): number {
  return (plan.health.capS + plan.health.confirmS) * 1000;
}

/** Passes a point where a crash is interesting. */
export async function cross(
  scope: RunScope,
  point: BoundaryPoint,
  at: { node: string; action: string; verb?: string },
): Promise<void> {
  if (scope.deps.boundary !== undefined) await scope.deps.boundary(point, at);
}
