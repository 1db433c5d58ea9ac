import type { KitAnswer } from '../../node/types.js';
import type { Outcome } from '../../plan/types.js';
import type { Action, ActionContext, ActionRequest } from '../types.js';
import { ask } from './answers.js';
import { LONG_MS, changingCall, sliceCall } from './calls.js';

type Talk<Result> = Generator<ActionRequest, Result, KitAnswer | undefined>;

/** Gives the node back to its distribution and leaves nothing of edgectl. */
export const ejectAction: Action = { name: 'node.eject', changing: true, perform: eject, reattach };

function* eject(context: ActionContext): Talk<Outcome> {
  const slice = yield* ask(sliceCall(context), false);
  if (!slice.ok) return slice.outcome;
  const heard = yield* ask(changingCall(context, 'eject', {}, { timeoutMs: LONG_MS }), false);
  if (!heard.ok) return heard.outcome;
  const paths = heard.answer.lines.filter((line) => line.t === 'ejected').length;
  return { kind: 'changed', state: 'succeeded', message: `${paths} path(s) removed` };
}

function* reattach(): Talk<Outcome | null> {
  const heard = yield* ask({ verb: 'hello', fields: {}, timeoutMs: 60_000 }, true);
  if (heard.ok) return null;
  // The kit removes itself last, so its absence is the proof that eject came to its end.
  if (heard.code === 'NO_KIT') return { kind: 'changed', state: 'succeeded', message: 'the node kit is gone' };
  return heard.outcome;
}
