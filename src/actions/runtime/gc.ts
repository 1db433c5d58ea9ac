import type { KitAnswer } from '../../node/types.js';
import type { Outcome } from '../../plan/types.js';
import type { Action, ActionContext, ActionRequest } from '../types.js';
import { ask } from './answers.js';
import { changingCall, LONG_MS, sliceCall } from './calls.js';

type Talk<Result> = Generator<ActionRequest, Result, KitAnswer | undefined>;

/** Has a node remove bundles, generations and, when its slice says so, copies of state that nothing needs any more. */
export const gcAction: Action = {
  name: 'runtime.gc',
  changing: true,
  perform: collect,
  // Removing what is gone removes nothing, so it is simply asked for again.
  *reattach() {
    return null;
  },
};

function* collect(context: ActionContext): Talk<Outcome> {
  const slice = yield* ask(sliceCall(context), false);
  if (!slice.ok) return slice.outcome;
  const heard = yield* ask(changingCall(context, 'gc', {}, { timeoutMs: LONG_MS }), false);
  if (!heard.ok) return heard.outcome;
  const removed = heard.answer.lines.filter((line) => line.t === 'removed');
  const bytes = removed.reduce((sum, line) => sum + (typeof line['bytes'] === 'number' ? line['bytes'] : 0), 0);
  if (removed.length === 0) return { kind: 'ok', state: 'succeeded', message: 'nothing to remove' };
  const mebibytes = (bytes / 2 ** 20).toFixed(1);
  return { kind: 'changed', state: 'succeeded', message: `${removed.length} removed, ${mebibytes} MiB freed` };
}
