import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labRoster } from '../../../src/lab/roster.js';

describe('labRoster', () => {
  it('gives every node a name of its own and every site about as many nodes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 100 }), (count, wanted) => {
        const sites = Math.min(wanted, count);
        const roster = labRoster(count, sites);
        expect(new Set(roster.map((node) => node.id)).size).toBe(count);
        const sizes = new Map<string, number>();
        for (const node of roster) sizes.set(node.site, (sizes.get(node.site) ?? 0) + 1);
        expect(sizes.size).toBe(sites);
        expect(Math.max(...sizes.values()) - Math.min(...sizes.values())).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('puts a site into one region only', () => {
    const regions = new Map<string, Set<string>>();
    for (const node of labRoster(1000)) regions.set(node.site, (regions.get(node.site) ?? new Set()).add(node.region));
    expect([...regions.values()].every((seen) => seen.size === 1)).toBe(true);
  });

  it('makes gateways unwilling canaries, while there are others', () => {
    const roster = labRoster(12);
    expect(roster.filter((node) => node.wariness > 0).map((node) => node.labels['role'])).toEqual(['gw', 'gw', 'gw']);
    expect(labRoster(3, 3).every((node) => node.wariness === 0)).toBe(true);
  });
});
