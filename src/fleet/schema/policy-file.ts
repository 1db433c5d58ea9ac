import { z } from 'zod';
import {
  boolean,
  count,
  countOrPercent,
  durationMs,
  durationSeconds,
  labels,
  name,
  oneOf,
  percent,
  scalar,
  text,
} from './scalars.js';

const groupBy = z.preprocess(
  (input) => (Array.isArray(input) && input.length === 1 ? (input as unknown[])[0] : input),
  oneOf('site', 'region', 'none'),
);
const budget = z.strictObject(
  { groupBy, maxUnavailable: count(1).optional() },
  { error: 'a map with groupBy, maxUnavailable' },
);

const stage = z.strictObject(
  {
    name,
    select: z
      .strictObject(
        { labels: labels.optional(), limit: countOrPercent.optional() },
        { error: 'a map with labels, limit' },
      )
      .optional(),
    concurrency: countOrPercent.optional(),
    budget: budget.optional(),
    nodeDeadline: durationMs.optional(),
    progressDeadline: durationMs.optional(),
    offline: z
      .strictObject(
        { mode: oneOf('wait', 'defer', 'skip', 'fail'), max: countOrPercent.optional() },
        { error: 'a map with mode, max' },
      )
      .optional(),
    gate: z
      .strictObject(
        {
          success: percent.optional(),
          minSample: count(0).optional(),
          maxFailed: count(0).optional(),
          onFail: oneOf('pause', 'rollback', 'abort').optional(),
        },
        { error: 'a map with success, minSample, maxFailed, onFail' },
      )
      .optional(),
    soak: durationMs.optional(),
  },
  { error: 'a map with at least a name' },
);

function distinctNames(stages: readonly { name: string }[], context: z.RefinementCtx): void {
  stages.forEach(({ name: stageName }, index) => {
    if (stages.findIndex((other) => other.name === stageName) < index) {
      context.addIssue({ code: 'custom', path: [index, 'name'], message: 'another name: each stage has its own' });
    }
  });
}

const factor = scalar('a number, 1 or more', (value) => {
  const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  return number >= 1 && number <= 1000 ? number : undefined;
});

/** Schema of policies/NAME.yaml; what is left out is taken from the built-in default. */
export const policyFile = z.preprocess(
  (input) => (input === '' ? {} : input),
  z.strictObject(
    {
      description: text('text').optional(),
      rehearsal: boolean.optional(),
      stages: z
        .array(stage, { error: 'a list of stages' })
        .min(1, { error: 'at least one stage' })
        .superRefine(distinctNames)
        .optional(),
      ramp: z
        .strictObject({ start: count(1).optional(), factor: factor.optional() }, { error: 'a map with start, factor' })
        .optional(),
      health: z
        .strictObject(
          {
            window: durationSeconds.optional(),
            passes: count(1).optional(),
            cap: durationSeconds.optional(),
            confirm: durationSeconds.optional(),
          },
          { error: 'a map with window, passes, cap, confirm' },
        )
        .optional(),
      maxFailed: count(0).optional(),
      maxStale: count(0).optional(),
      validFor: durationMs.optional(),
    },
    { error: 'a map with stages, ramp, health' },
  ),
);

/** policies/NAME.yaml as it was read. */
export type PolicyFile = z.output<typeof policyFile>;

/** Keys that are planned and would be dangerous to pass over in silence. */
export const laterPolicyKeys: ReadonlySet<string> = new Set([
  'approve',
  'windows',
  'freeze',
  'lateJoin',
  'shrinkOnFail',
  'pointOfNoReturn',
]);
