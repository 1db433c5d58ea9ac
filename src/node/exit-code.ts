import type { TransportFailureKind } from '../transport/types.js';

/** How a command without a plan ended on one node. */
export type NodeVerdict = 'ok' | 'failed' | 'refused' | 'unreachable';

const refusals = new Set<TransportFailureKind>(['host-key-unknown', 'host-key-changed', 'auth', 'forward-refused']);
const ambiguous = new Set<TransportFailureKind>(['command-timeout', 'cancelled']);

/** The verdict on a node that could not be talked to: refused by or to it, out of reach, or failed under way. */
export function verdictOnFailure(failure: { kind: TransportFailureKind; sent: boolean }): NodeVerdict {
  if (refusals.has(failure.kind)) return 'refused';
  return failure.sent || ambiguous.has(failure.kind) ? 'failed' : 'unreachable';
}

/**
 * The exit code of a command over many nodes, by the precedence 1 > 4 > 3 > 0. A refusal counts as 4 only when no node
 * was asked; among others it is one node's failure: 1.
 */
export function exitCodeOf(verdicts: readonly NodeVerdict[]): number {
  const has = (verdict: NodeVerdict): boolean => verdicts.includes(verdict);
  if (has('failed')) return 1;
  if (has('refused')) return has('ok') ? 1 : 4;
  return has('unreachable') ? 3 : 0;
}
