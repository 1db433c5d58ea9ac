import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPolicy, rehearsalPolicy } from '../../../src/fleet/builtin-policies.js';
import type { RolloutPolicy } from '../../../src/fleet/types.js';
import { cohort } from '../../../src/plan/canary.js';
import type { StageNode } from '../../../src/plan/stages.js';
import { resolveFastPath, resolveStages, waves } from '../../../src/plan/stages.js';

function nodes(count: number, extra: (index: number) => Partial<StageNode> = () => ({})): StageNode[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `n-${String(index).padStart(4, '0')}`,
    site: `s${index % 5}`,
    region: 'r',
    arch: index % 7 === 0 ? 'arm64' : 'amd64',
    os: index % 3 === 0 ? 'debian-13' : 'debian-12',
    wariness: 0,
    ...extra(index),
  }));
}

function policy(extra: Partial<RolloutPolicy> = {}): RolloutPolicy {
  return { ...defaultPolicy, ...extra };
}

describe('stages of the default policy', () => {
  it('are a canary that begins with one node, and the rest', () => {
    const [canary, rest, ...more] = resolveStages({ nodes: nodes(38), seed: 's', policy: policy() });
    expect(more).toEqual([]);
    expect(canary).toMatchObject({
      name: 'canary',
      first: 1,
      concurrency: 2,
      ramp: { start: 1, factor: 2 },
      budget: { groupBy: 'site', maxUnavailable: 1 },
      nodeDeadlineMs: 1_200_000,
      progressDeadlineMs: 1_800_000,
      soakMs: 900_000,
      offline: { mode: 'defer', max: 1 },
      gate: { success: 0.9, minSample: 2, maxFailed: 0, onFail: 'pause' },
    });
    expect(canary?.nodes).toHaveLength(2);
    expect(rest).toMatchObject({ name: 'rest', first: 0, concurrency: 9, soakMs: 0, offline: { max: 8 } });
    expect(rest?.gate).toEqual({ success: 0.9, minSample: 1, maxFailed: 2, onFail: 'pause' });
    expect(rest?.nodes).toHaveLength(36);
  });

  it('differ in the rehearsal only in durations and thresholds', () => {
    const shape = (which: RolloutPolicy): unknown =>
      resolveStages({ nodes: nodes(38), seed: 's', policy: which }).map((stage) => ({
        ...stage,
        soakMs: 0,
        nodeDeadlineMs: 0,
        progressDeadlineMs: 0,
      }));
    expect(shape(rehearsalPolicy)).toEqual(shape(defaultPolicy));
  });

  it('of one node are that node, and a gate that it must pass', () => {
    const stages = resolveStages({ nodes: nodes(1), seed: 's', policy: policy() });
    expect(stages).toHaveLength(1);
    expect(stages[0]).toMatchObject({ first: 1, concurrency: 1, gate: { minSample: 1, maxFailed: 0 } });
  });

  it('of no node are none', () => {
    expect(resolveStages({ nodes: [], seed: 's', policy: policy() })).toEqual([]);
  });
});

describe('the size of the canary stage', () => {
  it.each([
    ['5%', 1, 1],
    ['5%', 20, 1],
    ['5%', 21, 2],
    ['5%', 60, 3],
    ['7%', 100, 7],
    ['0.1%', 10, 1],
    ['100%', 10, 10],
    ['3', 10, 3],
    ['30', 10, 10],
  ])('%s of %d nodes is %d', (canary, count, size) => {
    const stages = resolveStages({ nodes: nodes(count), seed: 's', policy: policy(), canary });
    expect(stages[0]?.name).toBe('canary');
    expect(stages[0]?.nodes).toHaveLength(size);
    expect(stages.flatMap((stage) => stage.nodes)).toHaveLength(count);
  });

  it.each(['0', '0%', '101%', '-1', 'x', '', '1.5', '5 percent'])('cannot be “%s”', (canary) => {
    expect(() => resolveStages({ nodes: nodes(5), seed: 's', policy: policy(), canary })).toThrow(
      expect.objectContaining({ code: 'POLICY_INVALID', exitCode: 64 }),
    );
  });

  it('given on the command line puts a canary before a policy that has none', () => {
    const stages = resolveStages({
      nodes: nodes(10),
      seed: 's',
      policy: policy({ stages: [{ name: 'all' }] }),
      canary: '2',
    });
    expect(stages.map((stage) => [stage.name, stage.nodes.length, stage.first])).toEqual([
      ['canary', 2, 1],
      ['all', 8, 0],
    ]);
  });
});

describe('nodes that cannot take part now', () => {
  it('are replaced as canaries by the next candidates, and stand at the end of the last stage', () => {
    const all = nodes(40);
    const plain = resolveStages({ nodes: all, seed: 's', policy: policy(), canary: '3' });
    const offline = plain[0]?.nodes[1] ?? '';
    const stages = resolveStages({ nodes: all, seed: 's', policy: policy(), canary: '3', skip: new Set([offline]) });
    expect(stages[0]?.nodes).toHaveLength(3);
    expect(stages[0]?.nodes).not.toContain(offline);
    expect(stages[0]?.nodes[0]).toBe(plain[0]?.nodes[0]);
    expect(stages[1]?.nodes.at(-1)).toBe(offline);
  });

  it('count for no percentage', () => {
    const all = nodes(40);
    const skip = new Set(all.slice(0, 20).map((node) => node.id));
    const stages = resolveStages({ nodes: all, seed: 's', policy: policy(), skip });
    expect(stages.map((stage) => stage.nodes.length)).toEqual([1, 39]);
    expect(stages[1]?.concurrency).toBe(4);
  });

  it('still have a stage when nobody else has something to do', () => {
    const stages = resolveStages({ nodes: nodes(2), seed: 's', policy: policy(), skip: new Set(['n-0000', 'n-0001']) });
    expect(stages.map((stage) => [stage.name, stage.nodes.length, stage.first])).toEqual([['rest', 2, 0]]);
  });
});

describe('stages of a written policy', () => {
  it('select by labels, and the rest is implicit', () => {
    const all = nodes(20, (index) => ({ labels: { ring: index < 6 ? 'early' : 'late' } }));
    const stages = resolveStages({
      nodes: all,
      seed: 's',
      policy: policy({
        stages: [
          { name: 'early-few', select: { labels: { ring: 'early' }, limit: '10%' } },
          { name: 'early', select: { labels: { ring: 'early' } } },
          { name: 'none', select: { labels: { ring: 'nobody' } } },
        ],
      }),
    });
    expect(stages.map((stage) => [stage.name, stage.nodes.length])).toEqual([
      ['early-few', 2],
      ['early', 4],
      ['rest', 14],
    ]);
    expect(
      stages
        .slice(0, 2)
        .flatMap((stage) => stage.nodes)
        .sort(),
    ).toEqual(all.slice(0, 6).map((node) => node.id));
  });

  it('resolve gates: without maxFailed the percentage says how many may fail, and a gate is never open', () => {
    const gateOf = (count: number, gate: object): unknown =>
      resolveStages({ nodes: nodes(count), seed: 's', policy: policy({ stages: [{ name: 'a', gate }] }) })[0]?.gate;
    expect(gateOf(19, { success: '90%' })).toMatchObject({ success: 0.9, maxFailed: 1 });
    expect(gateOf(10, { success: '95%', minSample: 50 })).toMatchObject({ maxFailed: 0, minSample: 10 });
    expect(gateOf(3, { maxFailed: 9 })).toMatchObject({ maxFailed: 2 });
  });

  it('round concurrency down, to one at least and the stage at most', () => {
    const concurrencyOf = (count: number, concurrency: number | string): unknown =>
      resolveStages({ nodes: nodes(count), seed: 's', policy: policy({ stages: [{ name: 'a', concurrency }] }) })[0]
        ?.concurrency;
    expect(concurrencyOf(19, '10%')).toBe(1);
    expect(concurrencyOf(5, '10%')).toBe(1);
    expect(concurrencyOf(30, '10%')).toBe(3);
    expect(concurrencyOf(5, 10)).toBe(5);
  });
});

describe('the way back', () => {
  it('takes every node at once, without canary, ramp or budget', () => {
    const stages = resolveFastPath({ nodes: nodes(30), seed: 's', policy: policy(), skip: new Set(['n-0003']) });
    expect(stages).toHaveLength(1);
    expect(stages[0]).toMatchObject({
      first: 0,
      concurrency: 29,
      ramp: { start: 29, factor: 1 },
      budget: { groupBy: 'none' },
    });
    expect(stages[0]?.nodes).toHaveLength(30);
    expect(stages[0]?.nodes.at(-1)).toBe('n-0003');
    expect(resolveFastPath({ nodes: [], seed: 's', policy: policy() })).toEqual([]);
  });
});

describe('waves', () => {
  it('begin with the first canary alone and widen up to the concurrency', () => {
    expect(waves({ first: 1, ramp: { start: 1, factor: 2 }, concurrency: 10 }, 2)).toEqual([1, 1]);
    expect(waves({ first: 0, ramp: { start: 1, factor: 2 }, concurrency: 10 }, 36)).toEqual([1, 2, 4, 8, 10, 10, 1]);
    expect(waves({ first: 0, ramp: { start: 3, factor: 1 }, concurrency: 3 }, 7)).toEqual([3, 3, 1]);
    expect(waves({ first: 1, ramp: { start: 1, factor: 1 }, concurrency: 1 }, 0)).toEqual([]);
  });

  it('take every node once', () => {
    const stage = fc.record({
      first: fc.constantFrom(0, 1),
      ramp: fc.record({ start: fc.integer({ min: 1, max: 20 }), factor: fc.constantFrom(1, 1.5, 2, 10) }),
      concurrency: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(stage, fc.integer({ min: 0, max: 500 }), (shape, count) => {
        const sizes = waves(shape, count);
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count);
        expect(sizes.every((size) => size >= 1 && size <= shape.concurrency)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('for any fleet, policy and seed', () => {
  const node = fc.record({
    site: fc.constantFrom('a', 'b', 'c', 'd'),
    region: fc.constantFrom('x', 'y'),
    arch: fc.constantFrom('amd64', 'amd64', 'amd64', 'arm64', 'riscv64'),
    os: fc.constantFrom('debian-12', 'debian-12', 'debian-13', 'alpine'),
    wariness: fc.constantFrom(0, 0, 0, 0.3, 0.7, 1),
    labels: fc.record({ ring: fc.constantFrom('early', 'late') }),
    offline: fc.constantFrom(false, false, false, true),
  });
  const size = fc.oneof(
    fc.integer({ min: 1, max: 40 }).map(String),
    fc.integer({ min: 1, max: 100 }).map((value) => `${value}%`),
  );
  const stage = fc.record(
    {
      select: fc.record(
        { labels: fc.record({ ring: fc.constantFrom('early', 'late') }), limit: size },
        { requiredKeys: [] },
      ),
      concurrency: fc.oneof(fc.integer({ min: 1, max: 30 }), size),
      gate: fc.record(
        { success: fc.constantFrom('0%', '90%', '100%'), minSample: fc.nat(30), maxFailed: fc.nat(30) },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  );
  const input = fc
    .record({
      nodes: fc.array(node, { maxLength: 80 }),
      stages: fc.array(stage, { minLength: 1, maxLength: 4 }),
      canary: fc.option(size, { nil: undefined }),
      seed: fc.string({ minLength: 1, maxLength: 4 }),
    })
    .map(({ nodes: bare, stages, canary, seed }) => {
      const all = bare.map(({ offline, ...rest }, index) => ({ id: `n${index}`, offline, ...rest }));
      return {
        nodes: all.map(({ offline: _, ...rest }): StageNode => rest),
        skip: new Set(all.filter((each) => each.offline).map((each) => each.id)),
        policy: policy({
          stages: stages.map((each, index) => ({ name: index === 0 ? 'canary' : `s${index}`, ...each })),
        }),
        seed,
        ...(canary === undefined ? {} : { canary }),
      };
    });

  it('every node is in exactly one stage, no stage is empty, and every number is one that can be carried out', () => {
    fc.assert(
      fc.property(input, (given) => {
        const stages = resolveStages(given);
        expect(stages.flatMap((each) => each.nodes).sort()).toEqual(given.nodes.map((each) => each.id).sort());
        expect(new Set(stages.map((each) => each.name)).size).toBe(stages.length);
        stages.forEach((each, index) => {
          const live = each.nodes.filter((id) => !given.skip.has(id)).length;
          expect(each.nodes.length).toBeGreaterThan(0);
          expect(each.first).toBe(index === 0 ? Math.min(1, live) : 0);
          expect(each.concurrency).toBeGreaterThanOrEqual(1);
          expect(each.concurrency).toBeLessThanOrEqual(Math.max(1, live));
          expect(each.ramp.start).toBeLessThanOrEqual(each.concurrency);
          expect(each.gate.minSample).toBeLessThanOrEqual(live);
          expect(each.gate.maxFailed).toBeLessThanOrEqual(Math.max(0, live - 1));
          expect(Number.isInteger(each.concurrency) && Number.isInteger(each.offline.max)).toBe(true);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('skipped nodes are in the last stage only', () => {
    fc.assert(
      fc.property(input, (given) => {
        const early = resolveStages(given)
          .slice(0, -1)
          .flatMap((each) => each.nodes);
        expect(early.filter((id) => given.skip.has(id))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('the same input gives the same stages, in whatever order the nodes come', () => {
    fc.assert(
      fc.property(input, (given) => {
        const turned = { ...given, nodes: [...given.nodes].reverse() };
        expect(resolveStages(turned)).toEqual(resolveStages(given));
      }),
      { numRuns: 300 },
    );
  });

  it('the canary stage has the size that was asked for', () => {
    fc.assert(
      fc.property(fc.array(node, { minLength: 1, maxLength: 80 }), size, fc.string(), (bare, canary, seed) => {
        const all = bare.map(({ offline: _, ...rest }, index): StageNode => ({ id: `n${index}`, ...rest }));
        const wanted = canary.endsWith('%')
          ? Math.ceil((Number(canary.slice(0, -1)) * all.length) / 100)
          : Number(canary);
        const [first] = resolveStages({ nodes: all, seed, policy: policy(), canary });
        expect(first?.nodes).toHaveLength(Math.min(Math.max(1, wanted), all.length));
      }),
      { numRuns: 500 },
    );
  });
});

describe('canaries', () => {
  const pick = (all: readonly StageNode[], size: number, seed: string): StageNode[] => {
    const ids = resolveStages({ nodes: all, seed, policy: policy(), canary: String(size) })[0]?.nodes ?? [];
    return ids.map((id) => all.find((each) => each.id === id) as StageNode);
  };
  const seeds = Array.from({ length: 40 }, (_, index) => `seed-${index}`);

  it('begin with a node of the commonest architecture and system', () => {
    const all = nodes(70);
    for (const seed of seeds) expect(pick(all, 1, seed)[0]).toMatchObject({ arch: 'amd64', os: 'debian-12' });
  });

  it('cover every architecture and system as soon as there are enough of them', () => {
    const all = nodes(100, (index) => ({ arch: index === 42 ? 'riscv64' : index % 10 === 0 ? 'arm64' : 'amd64' }));
    for (const seed of seeds) {
      const chosen = pick(all, 5, seed);
      expect(new Set(chosen.map((each) => each.arch)).size).toBe(3);
      expect(new Set(chosen.map((each) => each.os)).size).toBe(2);
    }
  });

  it('are spread over sites: none has a second one before each has one', () => {
    const all = nodes(100, () => ({ arch: 'amd64', os: 'debian-12' }));
    for (const seed of seeds) expect(new Set(pick(all, 5, seed).map((each) => each.site)).size).toBe(5);
  });

  it('look like the fleet when there are many of them', () => {
    const all = nodes(400, (index) => ({
      site: index < 300 ? 'large' : 'small',
      arch: index % 4 === 0 ? 'arm64' : 'amd64',
    }));
    for (const seed of seeds) {
      const chosen = pick(all, 40, seed);
      const share = (test: (each: StageNode) => boolean): number => chosen.filter(test).length / chosen.length;
      expect(share((each) => each.site === 'large')).toBeCloseTo(0.75, 1);
      expect(share((each) => each.arch === 'arm64')).toBeGreaterThan(0.15);
      expect(share((each) => each.arch === 'arm64')).toBeLessThan(0.35);
    }
  });

  it('differ from plan to plan', () => {
    const all = nodes(100);
    expect(new Set(seeds.map((seed) => pick(all, 1, seed)[0]?.id)).size).toBeGreaterThan(20);
  });

  it('are wary nodes only when there are too few others, those with wariness 1 last of all', () => {
    const all = nodes(10, (index) => ({ wariness: index < 4 ? 0 : index < 8 ? 0.6 : 1 }));
    for (const seed of seeds) {
      expect(pick(all, 4, seed).every((each) => each.wariness === 0)).toBe(true);
      expect(pick(all, 8, seed).some((each) => each.wariness === 1)).toBe(false);
    }
  });

  it('are less often nodes with a little wariness', () => {
    const all = nodes(40, (index) => ({ wariness: index % 2 === 0 ? 0.4 : 0, site: 's', arch: 'a', os: 'o' }));
    const wary = seeds.flatMap((seed) => pick(all, 4, seed)).filter((each) => each.wariness > 0).length;
    expect(wary).toBeLessThan(seeds.length);
  });

  it('stay when a node joins that comes after them', () => {
    const all = nodes(50, () => ({ site: 's', arch: 'a', os: 'o' }));
    const before = pick(all, 3, 's').map((each) => each.id);
    const late = { ...(all[0] as StageNode), id: 'new', wariness: 1 };
    expect(pick([...all, late], 3, 's').map((each) => each.id)).toEqual(before);
  });

  it('come from a hash that is the same on every machine', () => {
    // printf 'seed\nnode' | sha256sum: the first six bytes as a fraction.
    expect(cohort('seed', 'node')).toBe(0xfdcc49932848 / 2 ** 48);
  });
});
