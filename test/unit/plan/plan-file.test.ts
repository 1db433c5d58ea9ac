import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { EdgectlError } from '../../../src/errors/error.js';
import { canonicalJson } from '../../../src/plan/canonical.js';
import { planDigest } from '../../../src/plan/digest.js';
import { parsePlanFile, sealPlan, serialisePlan } from '../../../src/plan/serialise.js';
import type { Plan } from '../../../src/plan/types.js';
import { makePlan } from '../../helpers/make-plan.js';

const plan = makePlan({ nodes: ['a', 'b', 'c'], stages: { canary: 1, rest: 2 } });
const edited = (change: (copy: Plan) => void): string => {
  const copy = structuredClone(plan);
  change(copy);
  return serialisePlan(sealPlan(copy));
};

describe('canonical JSON', () => {
  it('is the same for the same value, however it was put together', () => {
    expect(canonicalJson({ b: [1, { d: 'ü', c: null }], a: undefined, A: true })).toBe(
      '{"A":true,"b":[1,{"c":null,"d":"ü"}]}',
    );
  });

  it('reads back as the value that was written', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it.each([Number.NaN, () => 1, new Date(), 1n])('has no form for %s', (value) => {
    expect(() => canonicalJson({ value })).toThrow(TypeError);
  });
});

describe('a plan file', () => {
  it('reads back as the plan that was written', () => {
    expect(parsePlanFile(serialisePlan(plan))).toEqual(plan);
    expect(parsePlanFile(Buffer.from(serialisePlan(plan)))).toEqual(plan);
  });

  it('has a digest that does not depend on who signed it', () => {
    expect(planDigest({ ...plan, authority: null })).toBe(plan.digest);
  });

  it('is refused with both digests when a byte of it was changed', () => {
    const text = serialisePlan(plan).replace('"concurrency":10', '"concurrency":99');
    expect(() => parsePlanFile(text)).toThrow(
      expect.objectContaining({
        code: 'PLAN_DIGEST',
        exitCode: 4,
        data: { named: plan.digest, actual: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown },
      }),
    );
  });

  const forgeries: readonly [string, (copy: Plan) => void][] = [
    [
      'a slice that wants another bundle than the plan shows',
      (copy) => ((copy.nodes[0] as Plan['nodes'][0]).expectAfter = { rt: 'd'.repeat(64) }),
    ],
    ['a slice of another node', (copy) => (copy.slices['a'] = copy.slices['b'] ?? '')],
    [
      'a root that is not the slices’',
      (copy) => ((copy.authority as NonNullable<Plan['authority']>).root = 'd'.repeat(64)),
    ],
    [
      'a statement for another run',
      (copy) => ((copy.authority as NonNullable<Plan['authority']>).statement += 'x=1\n'),
    ],
  ];
  it.each(forgeries)('is refused as not signed with %s, its digest recomputed', (_name, change) => {
    expect(() => parsePlanFile(edited(change))).toThrow(
      expect.objectContaining({ code: 'PLAN_SIGNATURE', exitCode: 4 }),
    );
  });

  const disagreements: readonly [string, (copy: Plan) => void][] = [
    ['a node in two stages', (copy) => copy.stages[1]?.nodes.push('a')],
    ['a step for a stranger', (copy) => ((copy.steps[0] as Plan['steps'][0]).node = 'zz')],
    ['a step that needs another node’s', (copy) => ((copy.steps[0] as Plan['steps'][0]).needs = ['b/1'])],
    ['a key that nobody knows', (copy) => ((copy as unknown as Record<string, unknown>)['shell'] = 'rm -rf /')],
    ['a node id that is a path', (copy) => ((copy.nodes[0] as Plan['nodes'][0]).id = '../../etc')],
    ['control characters', (copy) => (copy.tool = 'edgectl\u001b[2J')],
  ];
  it.each(disagreements)('is refused with %s, its digest recomputed', (_name, change) => {
    expect(() => parsePlanFile(edited(change))).toThrow(
      expect.objectContaining({ code: 'PLAN_INVALID', exitCode: 64 }),
    );
  });

  it('is refused, never a crash, whatever bytes it holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.uint8Array()), (content) => {
        expect(() => parsePlanFile(content)).toThrow(EdgectlError);
      }),
      { numRuns: 200 },
    );
    expect(() => parsePlanFile('['.repeat(200_000))).toThrow(EdgectlError);
    expect(() =>
      parsePlanFile(
        `{"schema":1,"id":"${plan.id}","digest":"${plan.digest}","x":${'['.repeat(500)}${']'.repeat(500)}}`,
      ),
    ).toThrow(EdgectlError);
  });
});
