import type { ActionContext, ActionRegistry } from '../actions/types.js';
import type { Journal } from '../journal/journal.js';
import type { KitCaller } from '../node/types.js';
import type { StateCounts } from '../plan/run-summary.js';
import type { NodeState, Plan, RunState } from '../plan/types.js';
import type { RunClock } from './clock.js';
import type { EventSink } from './events.js';

/** How a person, or the system, ends an execution. */
export interface RunControls {
  /** No new step starts, transactions in flight finish. The listener gets the signal's name. */
  onDrain(listener: (signal: string) => void): void;
  /** Stop watching; what is open goes on on the nodes. */
  onDetach(listener: (signal: string) => void): void;
}

/**
 * Controls that never fire.
 * @public
 */
export const noControls: RunControls = { onDrain: () => {}, onDetach: () => {} };

/** A place where a crash is interesting. Intent and result are of the journal, sending and answering of the node. */
export type BoundaryPoint =
  'before-intent' | 'after-intent' | 'after-send' | 'after-answer' | 'before-result' | 'after-result';
/** Called at every boundary; for tests that crash there. */
export type BoundaryHook = (
  point: BoundaryPoint,
  at: { node: string; action: string; verb?: string },
) => Promise<void> | void;

/** Makes the plan that takes nodes back to what the failed run replaced; null when there is no way back. */
export type RollbackPlanner = (request: { plan: Plan; nodes: readonly string[] }) => Promise<Plan | null>;

/** What an execution is given. It reaches for nothing else. */
export interface ExecutorDeps {
  journal: Journal;
  kit: KitCaller;
  registry: ActionRegistry;
  clock: RunClock;
  /** `bytes` random bytes as hex, from a cryptographic source. */
  randomHex: (bytes: number) => string;
  controls: RunControls;
  /** Statement, signature and size of each bundle that the plan names, by digest. */
  bundles: ActionContext['bundles'];
  sink: EventSink;
  /** Named in the lease on each node. */
  owner: { owner: string; host: string };
  /** The plan was made a moment ago: a node that could not be seen then is not asked again before the run is resumed. */
  plannedNow?: boolean;
  /** Nodes that call, and may be there for seconds only: asked at short intervals, which costs a bastion next to nothing. */
  callsHome?: (node: string) => boolean;
  planRollback?: RollbackPlanner;
  boundary?: BoundaryHook;
  /** Nodes whose finished failure is tried again under the same frozen plan: `run retry`. */
  retry?: ReadonlySet<string>;
}

/** A node at the end of an execution. */
export interface NodeResult {
  node: string;
  stage: string;
  state: NodeState;
  message: string;
  why?: string;
  log?: string;
}

/** What an execution came to. */
export interface RunResult {
  run: string;
  state: RunState;
  exitCode: number;
  message: string;
  counts: StateCounts;
  nodes: NodeResult[];
  elapsedMs: number;
}
