import { createHash } from 'node:crypto';

import type { KitAnswer, TxLine } from '../../node/types.js';
import { outcomeOfRefusal, outcomeOfTx } from '../../plan/outcomes.js';
import type { Outcome } from '../../plan/types.js';
import type { Action, ActionContext, ActionRequest } from '../types.js';
import { ask, txOf } from './answers.js';
import { changingCall, statusCall } from './calls.js';

type Talk<Result> = Generator<ActionRequest, Result, KitAnswer | undefined>;

/** Starts the transaction and watches it until it waits for confirmation or has ended. The node goes on by itself when we are gone. */
export const trialAction: Action = { name: 'runtime.trial', changing: true, perform: trial, reattach };

function* trial(context: ActionContext): Talk<Outcome> {
  const nonceDigest = createHash('sha256').update(context.nonce).digest('hex');
  const call = changingCall(context, 'run', { step: context.wireId, nonce_sha256: nonceDigest });
  const started = yield* ask(call, false);
  if (!started.ok) return started.outcome;
  const tx = txOf(started.answer.lines, context.wireId);
  return yield* watchTx(context, tx);
}

function* reattach(context: ActionContext): Talk<Outcome | null> {
  const heard = yield* ask(statusCall(context), true);
  if (!heard.ok) return heard.code === 'UNKNOWN_STEP' ? null : heard.outcome;
  const tx = txOf(heard.answer.lines, context.wireId);
  return tx === undefined ? null : yield* watchTx(context, tx);
}

/** Long-polls until a transaction rests: AWAIT or COMMIT is good, everything else is its outcome. */
function* watchTx(context: ActionContext, first: TxLine | undefined): Talk<Outcome> {
  let tx = first;
  for (;;) {
    if (tx !== undefined && isRest(tx)) return restOutcome(tx);
    if (tx !== undefined) yield { progress: progressOf(tx) };
    const heard = yield* ask(statusCall(context, tx?.state ?? 'BEGIN'), true);
    if (!heard.ok) return heard.outcome;
    const next = txOf(heard.answer.lines, context.wireId);
    if (next === undefined)
      return outcomeOfRefusal({ code: 'UNKNOWN_STEP', reason: 'the node no longer knows the step' });
    tx = next;
  }
}

function isRest(tx: TxLine): boolean {
  return ['AWAIT', 'COMMIT', 'ABORT', 'REVERTED', 'BROKEN'].includes(tx.state);
}

function restOutcome(tx: TxLine): Outcome {
  if (tx.state === 'AWAIT' || tx.state === 'COMMIT') {
    return { kind: 'changed', state: 'applying', message: tx.health ?? 'healthy, waits for confirmation' };
  }
  return outcomeOfTx(tx);
}

function progressOf(tx: TxLine): { message: string; passes?: number } {
  const message = `${tx.state.toLowerCase()}${tx.health === undefined || tx.health === '' ? '' : `: ${tx.health}`}`;
  return typeof tx.passes === 'number' ? { message, passes: tx.passes } : { message };
}
