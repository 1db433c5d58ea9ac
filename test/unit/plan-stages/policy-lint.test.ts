import { describe, expect, it } from 'vitest';
import { defaultPolicy, rehearsalPolicy } from '../../../src/fleet/builtin-policies.js';
import type { RolloutPolicy, RolloutPolicyStage } from '../../../src/fleet/types.js';
import { lintPolicy } from '../../../src/plan/policy-lint.js';
import type { StageNode } from '../../../src/plan/stages.js';

function nodes(count: number): StageNode[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `n${index}`,
    site: 's',
    region: 'r',
    arch: 'amd64',
    os: 'debian-12',
    via: [],
    transport: 'ssh',
    groups: [],
    wariness: 0,
    labels: { ring: index < 5 ? 'early' : 'late', shop: String(index) },
  }));
}

function lint(stages: readonly RolloutPolicyStage[], count: number, extra: Partial<RolloutPolicy> = {}): string[] {
  const policy = { ...defaultPolicy, name: 'p', stages, ...extra };
  return lintPolicy(policy, nodes(count)).map(
    (found) => `${found.level} ${found.rule} ${found.stage ?? '-'}: ${found.message}`,
  );
}

describe('linting a policy', () => {
  it('finds nothing in the built-in policies on a fleet of usual size', () => {
    expect(lintPolicy(defaultPolicy, nodes(100))).toEqual([]);
    expect(lintPolicy(rehearsalPolicy, nodes(100))).toEqual([]);
  });

  it('finds thresholds that rounding makes 100 %', () => {
    expect(lint([{ name: 'a', gate: { success: '99%' } }], 50)).toEqual([
      'warning rounds-to-all a: success 99% of 50 nodes lets none fail: it is the same as 100%',
    ]);
    expect(lint([{ name: 'a', gate: { success: '90%' } }], 9)).toHaveLength(1);
    expect(lint([{ name: 'a', gate: { success: '90%', maxFailed: 1 } }], 9)).toEqual([]);
    expect(lint([{ name: 'a', gate: { success: '100%' } }], 50)).toEqual([]);
    expect(lint([{ name: 'a', gate: { success: '98%' } }], 50)).toEqual([]);
  });

  it('finds selectors that overlap', () => {
    const stages = [
      { name: 'a', select: { labels: { ring: 'early' } }, gate: { success: '100%' } },
      { name: 'b', select: { labels: { shop: '3' } }, gate: { success: '100%' } },
    ];
    expect(lint(stages, 40).filter((found) => found.includes('overlap'))).toEqual([
      'warning overlap b: shares 1 node(s) with “a”, for instance n3; the earlier stage gets them',
    ]);
  });

  it('finds stages that are empty, and those that an earlier one leaves nothing', () => {
    const early = { name: 'a', select: { labels: { ring: 'nobody' } } };
    expect(lint([early], 40)).toEqual(['warning empty-stage a: no node is in it (ring=nobody)']);
    expect(lint([{ name: 'all' }, { name: 'b', select: { limit: '5%' } }], 40)).toEqual([
      'error unreachable-stage b: stage “all” before it takes every node',
    ]);
  });

  it('finds a canary stage that is larger than the rest', () => {
    const stages = [{ name: 'canary', select: { limit: '60%' }, gate: { success: '50%' } }];
    expect(lint(stages, 40)).toEqual([
      'warning canary-size canary: 24 of 40 nodes are in the first stage: more than all after it',
    ]);
    expect(lint([{ name: 'canary', select: { limit: '50%' } }], 40)).toEqual([]);
  });

  it('finds gates that are open, and samples that cannot be had', () => {
    expect(lint([{ name: 'a', gate: { maxFailed: 5, minSample: 9 } }], 5)).toEqual([
      'warning gate-open a: maxFailed 5 would let all 5 node(s) fail; 4 is used',
      'warning min-sample a: minSample 9 is more than its 5 node(s); 5 is used',
    ]);
  });

  it('finds deadlines that no node could meet, also without any node', () => {
    expect(lint([{ name: 'a', nodeDeadlineMs: 60_000, progressDeadlineMs: 60_000 }], 0)).toEqual([
      'error node-deadline a: nodeDeadline (60 s) is shorter than health.cap + health.confirm (600 s)',
      'error progress-deadline a: progressDeadline (60 s) is shorter than health.window (90 s)',
    ]);
    expect(lint([], 0, { health: { windowS: 90, passes: 5, capS: 60, confirmS: 60 } })).toEqual([
      'error health-cap -: health.window (90 s) is longer than health.cap (60 s): no node could ever pass',
    ]);
  });
});
