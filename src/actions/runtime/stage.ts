import { z } from 'zod';

import type { KitAnswer } from '../../node/types.js';
import type { Outcome } from '../../plan/types.js';
import type { Action, ActionContext, ActionRequest } from '../types.js';
import { ask, failed, lineOf, numberOf } from './answers.js';
import { CHUNK_BYTES, LONG_MS, changingCall, sliceCall } from './calls.js';

const argsSchema = z.object({ components: z.array(z.object({ component: z.string(), digest: z.string() })) });
type Staged = z.infer<typeof argsSchema>['components'][number];
type Talk<Result> = Generator<ActionRequest, Result, KitAnswer | undefined>;

/** Brings the slice and every bundle onto the node; what runs does not change. Interrupted uploads go on where they stopped. */
export const stageAction: Action = {
  name: 'runtime.stage',
  changing: false,
  perform: stage,
  // Every call of it is idempotent, so the answer to "what became of it" is to do it again.
  *reattach() {
    return null;
  },
};

function* stage(context: ActionContext): Talk<Outcome> {
  const { components } = argsSchema.parse(context.step.args);
  const slice = yield* ask(sliceCall(context), false);
  if (!slice.ok) return slice.outcome;
  for (const item of components) {
    const trouble = yield* stageOne(context, item);
    if (trouble !== null) return trouble;
  }
  const adopted = yield* ask(changingCall(context, 'adopt', {}, { timeoutMs: LONG_MS }), false);
  if (!adopted.ok) return adopted.outcome;
  return { kind: 'changed', state: 'staged', message: `${components.length} bundle(s) verified on the node` };
}

function* stageOne(context: ActionContext, item: Staged): Talk<Outcome | null> {
  const offered = yield* ask(changingCall(context, 'stage', { op: 'offer', component: item.component }), false);
  if (!offered.ok) return offered.outcome;
  const offer = lineOf(offered.answer.lines, 'offer');
  if (isTrue(offer?.['have'])) return null;
  const bundle = context.bundles[item.digest];
  if (bundle === undefined) return failed(`bundle ${item.digest} is neither on the node nor in the store`, 'no-bundle');
  const trouble = yield* upload(context, item, bundle.size, numberOf(offer, 'offset') ?? 0);
  if (trouble !== null) return trouble;
  const finished = yield* ask(
    changingCall(
      context,
      'stage',
      { op: 'finish', component: item.component, statement: bundle.statement, signature: bundle.signature },
      { timeoutMs: LONG_MS },
    ),
    false,
  );
  return finished.ok ? null : finished.outcome;
}

function* upload(context: ActionContext, item: Staged, total: number, from: number): Talk<Outcome | null> {
  let offset = Math.min(from, total);
  while (offset < total) {
    const size = Math.min(CHUNK_BYTES, total - offset);
    const put = yield* ask(
      changingCall(
        context,
        'stage',
        { op: 'put', component: item.component, offset: String(offset), size: String(size) },
        { timeoutMs: LONG_MS, payload: { bundle: item.digest, offset, size } },
      ),
      false,
    );
    if (!put.ok) return put.outcome;
    const next = numberOf(lineOf(put.answer.lines, 'put'), 'offset') ?? offset + size;
    if (next <= offset || next > total) return failed(`the node answered offset ${next} after ${offset}`, 'PROTOCOL');
    offset = next;
    yield { progress: { message: `${item.component} uploaded`, bytes: offset, total } };
  }
  return null;
}

function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === '1' || value === 'true';
}
