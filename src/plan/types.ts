/** Outcome of a step, one union everywhere. */
export type OutcomeKind = 'ok' | 'changed' | 'skipped' | 'failed' | 'unreachable' | 'cancelled';

/** State of a node within a run. */
export type NodeState =
  | 'planned'
  | 'blocked' // veto, lock, window, budget: `why` says which
  | 'offline'
  | 'staged'
  | 'applying'
  | 'in_doubt'
  | 'soaking'
  | 'succeeded'
  | 'noop'
  | 'failed'
  | 'refused'
  | 'timed_out'
  | 'stale'
  | 'superseded'
  | 'rolled_back'
  | 'reverted_later'
  | 'rollback_failed'
  | 'skipped'
  | 'late'
  | 'gone';

/** State of a run. */
export type RunState =
  | 'waiting'
  | 'running'
  | 'paused'
  | 'halted'
  | 'interrupted'
  | 'aborted'
  | 'failed'
  | 'rolled_back'
  | 'succeeded'
  | 'succeeded_with_stragglers';

/** What a step came to. */
export interface Outcome {
  kind: OutcomeKind;
  /** The node state that this outcome leads to. */
  state: NodeState;
  /** One line for a person. */
  message: string;
  /** A machine-readable reason (`health`, `veto`, `BAD_SIGNATURE`, `dns`, …). */
  why?: string;
  /** Last lines of a log from the node, control characters escaped. */
  log?: string;
  /** May a new attempt be made without being asked (deadline, ssh, power)? */
  retryable?: boolean;
  data?: Record<string, unknown>;
}

export interface Step {
  /** `<node>/<seq>`, unique within the plan. */
  id: string;
  node: string;
  seq: number;
  /** Name in the action registry, e.g. `runtime.stage`. */
  action: string;
  args: Record<string, unknown>;
  needs: string[];
  timeoutMs: number;
  retry: 'safe' | 'never';
  undo?: { action: string; args: Record<string, unknown> };
}

/** The component versions of a node, by bundle digest; null is absent. */
export type ComponentDigests = Record<string, string | null>;

export interface PlanNode {
  id: string;
  site: string;
  region: string;
  arch: string;
  os: string;
  /** Stage name; null when the node has nothing to do or is left out. */
  stage: string | null;
  /** What was seen when the plan was made; null when the node could not be seen. */
  observed: { at: string; components: ComponentDigests; versions: Record<string, string> } | null;
  /** Digests before and after, only of the components that the plan touches. */
  expectBefore: ComponentDigests;
  expectAfter: ComponentDigests;
  /** Not seen at plan time: compiled at first contact. */
  intent: boolean;
  /** Why it is not part of the first pass. */
  skip?: { state: NodeState; why: string };
}

export interface StageGate {
  /** Fraction 0..1 of scored nodes that must succeed. */
  success: number;
  minSample: number;
  maxFailed: number;
  onFail: 'pause' | 'rollback' | 'abort';
}

/** A stage with its numbers resolved. */
export interface PlanStage {
  name: string;
  nodes: string[];
  /** Nodes of this stage that run first and alone (the first canary). */
  first: number;
  concurrency: number;
  ramp: { start: number; factor: number };
  budget: { groupBy: 'site' | 'region' | 'none'; maxUnavailable: number };
  /** Milliseconds. */
  nodeDeadlineMs: number;
  progressDeadlineMs: number;
  soakMs: number;
  offline: { mode: 'wait' | 'defer' | 'skip' | 'fail'; max: number };
  gate: StageGate;
}

/** Health policy, part of each signed slice. Seconds. */
export interface HealthPolicy {
  windowS: number;
  passes: number;
  capS: number;
  confirmS: number;
}

export interface PlanChange {
  component: string;
  to: { version: string; digest: string; size: number; signedBy: string } | null;
  from: string[];
  nodes: number;
}

/** A plan: canonical JSON, sha256 digest over everything but `digest` and `authority`. */
export interface Plan {
  schema: 1;
  tool: string;
  /** ULID; also the run id. */
  id: string;
  kind: 'runtime' | 'rollback' | 'eject' | 'undeny' | 'gc' | 'prepare' | 'unprepare';
  fleet: { id: string; name: string; digest: string };
  /** RFC 3339, UTC. */
  createdAt: string;
  validUntil: string;
  /** Slices' series number: milliseconds since the epoch at plan time, or one above the highest seen. */
  series: number;
  /** Seconds since the epoch at which the slices expire. */
  expires: number;
  /** Canary selection: hash(seed, node id). */
  seed: string;
  policy: { name: string; rehearsal: boolean; maxFailed: number; maxStale: number };
  health: HealthPolicy;
  changes: PlanChange[];
  nodes: PlanNode[];
  stages: PlanStage[];
  steps: Step[];
  /** Slice text by node id. */
  slices: Record<string, string>;
  /** The run that this one undoes. */
  undoes?: string;
  digest: string;
  /** Signed plan statement over the Merkle root of `slices`. */
  authority: { statement: string; signature: string; root: string } | null;
}
