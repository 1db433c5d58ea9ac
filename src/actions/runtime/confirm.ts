import type { KitAnswer, KitLine } from '../../node/types.js';
import { outcomeOfRefusal, outcomeOfTx } from '../../plan/outcomes.js';
import type { Outcome } from '../../plan/types.js';
import type { Action, ActionContext, ActionRequest } from '../types.js';
import { ask, txOf } from './answers.js';
import { changingCall, statusCall } from './calls.js';

type Talk<Result> = Generator<ActionRequest, Result, KitAnswer | undefined>;

/** Reveals the nonce over a fresh connection; reports success only when the node says COMMIT. */
export const confirmAction: Action = { name: 'runtime.confirm', changing: true, perform: confirm, reattach };

function* confirm(context: ActionContext): Talk<Outcome> {
  const call = changingCall(context, 'confirm', { step: context.wireId, nonce: context.nonce }, { fresh: true });
  const heard = yield* ask(call, false);
  if (heard.ok) return yield* settle(context, heard.answer.lines, outcomeIfUnsettled);
  if (heard.code !== 'NOT_AWAITING') return heard.outcome;
  // The other side of a lost answer or of a deadline: the node's record decides, never the refusal.
  const asked = yield* ask(statusCall(context), true);
  return asked.ok ? yield* settle(context, asked.answer.lines, outcomeIfUnsettled) : asked.outcome;
}

function* reattach(context: ActionContext): Talk<Outcome | null> {
  const heard = yield* ask(statusCall(context), true);
  if (!heard.ok) return heard.outcome;
  const tx = txOf(heard.answer.lines, context.wireId);
  if (tx?.state === 'AWAIT' || tx?.state === 'HEALTHY') return null;
  return yield* settle(context, heard.answer.lines, outcomeIfUnsettled);
}

/** Waits through a state that passes by itself (committing, reverting) until the verdict is final. */
function* settle(context: ActionContext, lines: readonly KitLine[], unsettled: () => Outcome): Talk<Outcome> {
  let tx = txOf(lines, context.wireId);
  for (let turn = 0; turn < MAX_TURNS; turn += 1) {
    if (tx === undefined)
      return outcomeOfRefusal({ code: 'UNKNOWN_STEP', reason: 'the node has no record of the step' });
    if (['COMMIT', 'ABORT', 'REVERTED', 'BROKEN'].includes(tx.state)) return outcomeOfTx(tx);
    const heard = yield* ask(statusCall(context, tx.state), true);
    if (!heard.ok) return heard.outcome;
    tx = txOf(heard.answer.lines, context.wireId);
  }
  return unsettled();
}

const MAX_TURNS = 12;

function outcomeIfUnsettled(): Outcome {
  return {
    kind: 'unreachable',
    state: 'in_doubt',
    message: 'the transaction has not come to a verdict yet',
    why: 'unsettled',
  };
}
