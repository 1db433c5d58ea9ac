import { describe, expect, it } from 'vitest';

import { Budget } from '../../../src/executor/budget.js';
import { cannotPass, judge } from '../../../src/executor/gate.js';
import { fingerprint, newestTransaction, observe } from '../../../src/executor/observed.js';
import { Ramp } from '../../../src/executor/ramp.js';
import type { NodeState, PlanStage } from '../../../src/plan/types.js';
import { makePlan, NEW, OLD } from '../../helpers/make-plan.js';

const stage = (extra: Partial<PlanStage> = {}): PlanStage =>
  makePlan({ nodes: ['a'], stage: extra }).stages[0] as PlanStage;
const states = (counts: Partial<Record<NodeState, number>>): NodeState[] =>
  Object.entries(counts).flatMap(([state, count]) => Array.from({ length: count }, () => state as NodeState));

describe('a gate', () => {
  const gate = (success: number, maxFailed: number, minSample = 1) =>
    stage({ gate: { success, maxFailed, minSample, onFail: 'pause' } });
  it.each([
    ['all succeeded', gate(0.9, 0), { succeeded: 3 }, 'passed'],
    ['one of three failed, none may', gate(0.5, 0), { succeeded: 2, failed: 1 }, 'failed'],
    [
      'one of three failed, one may: the percentage does not decide below twenty',
      gate(0.99, 1),
      { succeeded: 2, failed: 1 },
      'passed',
    ],
    ['three of thirty failed at 90 %', gate(0.9, 0), { succeeded: 27, failed: 3 }, 'passed'],
    ['four of thirty failed at 90 %', gate(0.9, 9), { succeeded: 26, rolled_back: 3, timed_out: 1 }, 'failed'],
    ['offline nodes are not in the denominator', gate(0.9, 0), { succeeded: 2, offline: 5 }, 'passed'],
    ['nobody could be judged', gate(0.9, 0), { offline: 2, blocked: 1 }, 'inconclusive'],
    ['fewer than the sample could be judged', gate(0.9, 0, 3), { succeeded: 2, offline: 2 }, 'inconclusive'],
    ['the sample is clamped to the size of the stage', gate(0.9, 0, 3), { succeeded: 2 }, 'passed'],
    ['a node in doubt blocks it', gate(0.1, 9), { succeeded: 9, in_doubt: 1 }, 'inconclusive'],
    ['nobody had anything to do', gate(0.9, 0), { noop: 4 }, 'passed'],
  ] as const)('when %s', (_name, rules, counts, verdict) => {
    expect(judge(rules, states(counts)).verdict).toBe(verdict);
  });

  it('knows early that it cannot pass any more', () => {
    expect(cannotPass(gate(0.9, 0), states({ failed: 1, planned: 5 }))).toBe(true);
    expect(cannotPass(gate(0.9, 0), states({ failed: 3, planned: 27 }))).toBe(false);
    expect(cannotPass(gate(0.9, 0), states({ failed: 4, planned: 27 }))).toBe(true);
    expect(cannotPass(stage({ offline: { mode: 'defer', max: 1 } }), states({ offline: 2, planned: 9 }))).toBe(true);
  });
});

describe('a budget', () => {
  it('keeps the place of a node that is in doubt, or failed and not to be reached', () => {
    const { nodes } = makePlan({ nodes: ['a', 'b', 'c'], sites: { a: 's', b: 's', c: 't' } });
    const budget = new Budget({ groupBy: 'site', maxUnavailable: 1 }, nodes);
    budget.take('a');
    expect([budget.mayTake('b'), budget.mayTake('c')]).toEqual([false, true]);
    budget.settle('a', 'in_doubt', false);
    expect(budget.mayTake('b')).toBe(false);
    budget.settle('a', 'rolled_back', false);
    expect(budget.mayTake('b')).toBe(false);
    budget.settle('a', 'rolled_back', true);
    expect(budget.mayTake('b')).toBe(true);
  });
});

describe('a ramp', () => {
  it('doubles after each full round of successes, up to the concurrency, and halves at a failure', () => {
    const ramp = new Ramp(stage({ concurrency: 5, ramp: { start: 1, factor: 2 } }));
    const limits = [ramp.limit];
    for (let success = 0; success < 7; success += 1) {
      ramp.succeeded();
      limits.push(ramp.limit);
    }
    expect(limits).toEqual([1, 2, 2, 4, 4, 4, 4, 5]);
    ramp.failed();
    expect(ramp.limit).toBe(2);
  });
});

describe('what a node says of itself', () => {
  const plan = makePlan({ nodes: ['a'] });
  const node = plan.nodes[0] as (typeof plan.nodes)[0];
  const generation = (components: Record<string, unknown>) => [{ t: 'generation', committed_components: components }];

  it('is compared on the components that the plan touches', () => {
    const seen = (digest: string) => observe(generation({ rt: { digest, version: 'x' }, other: { digest: OLD } }));
    expect(fingerprint(node, seen(OLD) as never)).toBe('before');
    expect(fingerprint(node, seen(NEW) as never)).toBe('after');
    expect(fingerprint(node, seen('d'.repeat(64)) as never)).toBe('neither');
  });

  it('takes an adopted build for the distribution’s that had no digest yet', () => {
    const observed = observe(generation({ rt: { digest: 'd'.repeat(64), adopted: true } })) as never;
    expect(fingerprint({ ...node, expectBefore: { rt: null } }, observed)).toBe('before');
  });

  it('is not trusted: malformed lines are nothing', () => {
    expect(observe([{ t: 'generation', committed_components: 'x' }])).toBeNull();
    expect(observe(generation({ rt: { digest: 'short' }, x: null }))).toMatchObject({ components: {} });
    const tx = { t: 'tx', state: 'COMMIT', run: plan.id };
    expect(
      newestTransaction(
        [
          { ...tx, step: `${plan.id}/b/2/1` },
          { ...tx, step: 7 },
          { ...tx, step: `${plan.id}/a/2/1/9` },
        ],
        plan.id,
        'a',
      ),
    ).toBeUndefined();
    expect(
      newestTransaction(
        [
          { ...tx, step: `${plan.id}/a/2/1` },
          { ...tx, step: `${plan.id}/a/2/2`, state: 'NONSENSE' },
        ],
        plan.id,
        'a',
      ),
    ).toMatchObject({ attempt: 1 });
  });
});
