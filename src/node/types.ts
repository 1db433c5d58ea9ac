import type { TransportFailure } from '../transport/types.js';

/** Verbs of the node kit (docs/reference/node-protocol.md, section 6), and `prepare`: the script that puts a kit there or takes it away. */
export type KitVerb =
  | 'hello'
  | 'facts'
  | 'observe'
  | 'lease'
  | 'stage'
  | 'adopt'
  | 'run'
  | 'status'
  | 'confirm'
  | 'revert'
  | 'undeny'
  | 'eject'
  | 'gc'
  | 'spool'
  | 'recover'
  | 'doctor'
  | 'tpm'
  | 'secret'
  | 'prepare';

/** One request to the kit, as data. */
export interface KitCall {
  verb: KitVerb;
  /** Request lines; values are percent-encoded by the client. */
  fields: Readonly<Record<string, string>>;
  /** Payload of `stage op=put`: bytes of a bundle from an offset. */
  payload?: { bundle: string; offset: number; size: number };
  /** Milliseconds. */
  timeoutMs: number;
  /** Must travel over a new connection (confirmation). */
  fresh?: boolean;
}

/** One answer line; `t` names its kind. */
export interface KitLine {
  t: string;
  [key: string]: unknown;
}

export interface KitOk {
  kind: 'ok';
  lines: KitLine[];
}
/** The kit answered, and said no. */
export interface KitRefusal {
  kind: 'refused';
  code: string;
  reason: string;
  lines: KitLine[];
}
/** No valid answer: not delivered, cut off, or not the protocol. */
export interface KitUnknown {
  kind: 'unreachable' | 'protocol';
  /** True when the node may have acted. */
  mayHaveActed: boolean;
  failure?: TransportFailure;
  message: string;
}
export type KitAnswer = KitOk | KitRefusal | KitUnknown;

/** States of a transaction on the node. */
export const txStates = [
  'BEGIN',
  'STAGED',
  'ARMED',
  'SNAP',
  'TRIAL',
  'HEALTHY',
  'AWAIT',
  'COMMIT',
  'ABORT',
  'REVERTING',
  'REVERTED',
  'BROKEN',
] as const;
export type TxState = (typeof txStates)[number];

/** A transaction as the node tells it. */
export interface TxLine extends KitLine {
  t: 'tx';
  tx: string;
  run: string;
  step: string;
  state: TxState;
  why?: string;
  boot?: string;
  up?: number;
  deadline_left?: number;
  passes?: number;
  health?: string;
  log?: string;
}

export interface ComponentState {
  version: string;
  /** Bundle sha256, 64 hex digits. */
  digest: string;
  adopted?: boolean;
}
export interface GenerationLine extends KitLine {
  t: 'generation';
  committed: number;
  active: number;
  trial: boolean;
  components: Record<string, ComponentState>;
  committed_components: Record<string, ComponentState>;
}

/** Asks a node's kit. Failures of a node are answers, never thrown. */
export interface KitCaller {
  call(nodeId: string, call: KitCall, signal?: AbortSignal): Promise<KitAnswer>;
}
