import type { KitAnswer, KitCall } from '../node/types.js';
import type { Outcome, Step } from '../plan/types.js';

/** What an action may know besides its step. Pure data. */
export interface ActionContext {
  run: string;
  step: Step;
  /** Wire id `<run>/<node>/<seq>/<attempt>`. */
  wireId: string;
  attempt: number;
  /** Fencing token of this node's lease. */
  token: number;
  /** Hex nonce of this attempt's confirmation, journaled with the intent. */
  nonce: string;
  /** This node's slice, its proof, and the plan's statement and signature. */
  authority: { slice: string; proof: string; statement: string; signature: string };
  /** Statement and signature of each bundle that the plan names, by digest, and its size in bytes. */
  bundles: Readonly<Record<string, { statement: string; signature: string; size: number }>>;
}

/** What an action asks of the executor: a call to the kit, or a word on how far it is. */
export type ActionRequest =
  | { call: KitCall }
  | { progress: { message: string; passes?: number; needed?: number; bytes?: number; total?: number } };

/** A conversation with the kit as a pure generator: yields requests, receives answers (`undefined` after progress), returns the outcome. */
export type Conversation = Generator<ActionRequest, Outcome, KitAnswer | undefined>;

/** An action: pure, no I/O. The executor finds it in a registry by name. */
export interface Action {
  name: string;
  /** Does the node's own state change (decides offline against in_doubt)? */
  changing: boolean;
  /** Carry the step out. */
  perform(context: ActionContext): Conversation;
  /** After a crash or a lost connection: ask the node what became of the step. An outcome of null means it never began. */
  reattach(context: ActionContext): Generator<ActionRequest, Outcome | null, KitAnswer | undefined>;
}

export type ActionRegistry = ReadonlyMap<string, Action>;
