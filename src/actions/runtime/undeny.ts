import type { KitAnswer } from '../../node/types.js';
import type { Outcome } from '../../plan/types.js';
import type { Action, ActionContext, ActionRequest } from '../types.js';
import { ask } from './answers.js';
import { changingCall, sliceCall } from './calls.js';

type Talk<Result> = Generator<ActionRequest, Result, KitAnswer | undefined>;

/** Takes bundles off a node's denied list, as its signed slice says. */
export const undenyAction: Action = {
  name: 'runtime.undeny',
  changing: true,
  perform: undeny,
  // Lifting what is lifted changes nothing, so it is simply asked for again.
  *reattach() {
    return null;
  },
};

function* undeny(context: ActionContext): Talk<Outcome> {
  const slice = yield* ask(sliceCall(context), false);
  if (!slice.ok) return slice.outcome;
  const heard = yield* ask(changingCall(context, 'undeny', {}), false);
  if (!heard.ok) return heard.outcome;
  const lifted = heard.answer.lines.filter((line) => line.t === 'undenied').length;
  return { kind: lifted > 0 ? 'changed' : 'ok', state: 'succeeded', message: `${lifted} bundle(s) may be tried again` };
}
