import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/render/run-explain.js';
import { samplePlan } from './sample-plan.js';

describe('what to type next for a node', () => {
  const plan = samplePlan();
  const node = plan.nodes.find(({ stage }) => stage !== null);
  if (node === undefined) throw new Error('the sample has no node in a stage');
  const next = (why: string): string[] =>
    explain(plan, node, { state: 'failed', why, message: '' }).next.map(({ command }) => command);

  it('is to make room first when the disk is full, and only then', () => {
    expect(next('NO_SPACE')[0]).toBe(`edgectl node gc ${node.id}`);
    expect(next('NO_SPACE').at(-1)).toBe(`edgectl resume ${plan.id} --retry ${node.id}`);
    expect(next('crash').join()).not.toContain('node gc');
  });

  it('is to allow a denied bundle and to roll it out anew, because the run is older than that permission', () => {
    for (const why of ['crash', 'health', 'DENIED']) {
      expect(next(why).slice(-2)).toEqual([
        `edgectl node undeny ${node.id}`,
        `edgectl rollout runtime --on ${node.id}`,
      ]);
    }
    expect(next('DENIED')[0]).toBe(`edgectl node doctor ${node.id}`);
    expect(next('power').join()).not.toContain('undeny');
  });
});
