import type { FleetNode } from '../fleet/types.js';
import type { NodeClient } from '../node/client.js';
import type { KitAnswer } from '../node/types.js';
import type { HostPins } from '../transport/known-hosts/pins.js';
import type { ConnectResult, Target } from '../transport/types.js';
import type { Clock } from '../util/clock.js';

/** What the checks of one node share; what is dear is asked once and remembered. */
export interface CheckContext {
  node: FleetNode;
  target: Target;
  client: NodeClient;
  clock: Clock;
  signal?: AbortSignal;
  pins(): Promise<HostPins>;
  /** One connection, up to and including authentication. */
  connection(): Promise<ConnectResult>;
  /** The kit's answer to `hello`. */
  hello(): Promise<KitAnswer>;
  /** Facts from the kit, or from the first-contact script when there is no kit. */
  facts(): Promise<KitAnswer>;
}

/** What a check found. `refused`: one side does not trust the other, where the check alone does not say so. */
export type Finding =
  | { state: 'ok' | 'warn'; detail: string; hint?: string }
  | { state: 'bad'; detail: string; hint: string; refused?: boolean };

/** One check: an id for machines, what it looks at, and how it looks. */
export interface Check {
  id: string;
  /** When it fails, later checks have nothing to stand on. */
  blocks: boolean;
  run(context: CheckContext): Promise<Finding>;
}

/** A finding with its check; `skipped` when an earlier check failed that it stands on. */
export type CheckResult = { id: string } & (Finding | { state: 'skipped'; detail: string });
