import type { KitCall, KitVerb } from '../../node/types.js';
import type { ActionContext } from '../types.js';

/** Milliseconds for a call that only writes or reads a record. */
export const SHORT_MS = 60_000;
/** Milliseconds for a call that unpacks, verifies or copies bundles on slow flash. */
export const LONG_MS = 600_000;
/** Bytes of a bundle in one `stage op=put`; a lease is renewed between two of them. */
export const CHUNK_BYTES = 8 * 1024 * 1024;
/** Seconds that one `status` waits for a change on the node. */
export const POLL_S = 20;

/** A changing call: carries the run and the fencing token. */
export function changingCall(
  context: ActionContext,
  verb: KitVerb,
  fields: Readonly<Record<string, string>>,
  rest: { timeoutMs?: number; payload?: NonNullable<KitCall['payload']>; fresh?: boolean } = {},
): KitCall {
  return {
    verb,
    fields: { run: context.run, token: String(context.token), ...fields },
    timeoutMs: rest.timeoutMs ?? SHORT_MS,
    ...(rest.payload === undefined ? {} : { payload: rest.payload }),
    ...(rest.fresh === undefined ? {} : { fresh: rest.fresh }),
  };
}

/** Asks for one step; with `since`, waits up to {@link POLL_S} seconds until the state is another one. */
export function statusCall(context: ActionContext, since?: string): KitCall {
  return {
    verb: 'status',
    fields: {
      run: context.run,
      step: context.wireId,
      ...(since === undefined ? {} : { since, wait: String(POLL_S) }),
    },
    timeoutMs: SHORT_MS + (since === undefined ? 0 : POLL_S * 1000),
  };
}

/** Hands this node's slice over. */
export function sliceCall(context: ActionContext): KitCall {
  const { slice, proof, statement, signature } = context.authority;
  return changingCall(context, 'stage', { op: 'slice', slice, proof, statement, signature });
}
