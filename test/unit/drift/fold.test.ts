import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { folded } from '../../../src/drift/fold.js';
import type { Finding } from '../../../src/drift/types.js';
import { selectNodes } from '../../../src/fleet/select-nodes.js';
import { foldNames } from '../../../src/plan/ranges.js';
import { node, now } from './sample.js';

const finding = (extra: Partial<Finding>): Finding => ({
  ...{ kind: 'desired', class: 'unexpected', severity: 'breaking', node: 'a', attribute: 'sysctl.x' },
  ...{ found: '1', expected: '2', since: now, seenAt: now, why: '' },
  ...extra,
});

describe('folding findings', () => {
  it('puts the same difference of several nodes together, since the longest time, with the command that fixes it', () => {
    const runtime = { attribute: 'runtime.containerd.bundle', found: '1.7.24', expected: '2.1.9' };
    const all = ['pos-003', 'pos-001', 'pos-002'].map((id, index) =>
      finding({ ...runtime, node: id, since: `2026-03-0${index + 1}T00:00:00.000Z` }),
    );
    expect(folded(all, 'attribute', [])).toMatchObject([
      {
        nodes: ['pos-001', 'pos-002', 'pos-003'],
        since: '2026-03-01T00:00:00.000Z',
        fix: "edgectl rollout runtime containerd --on 'pos-[001-003]'",
      },
    ]);
  });

  it('tells the worst first: unexpected before pending before expected before unknown, security before the rest', () => {
    const all = [
      finding({ class: 'unknown', attribute: 'f' }),
      finding({ class: 'expected', attribute: 'e' }),
      finding({ class: 'pending', attribute: 'd', run: '01A' }),
      finding({ severity: 'cosmetic', attribute: 'c' }),
      finding({ severity: 'breaking', attribute: 'b' }),
      finding({ severity: 'breaking', attribute: 'b2' }),
      finding({ severity: 'breaking', attribute: 'b2', node: 'b' }),
      finding({ severity: 'security', attribute: 'a' }),
    ];
    expect(folded(all, 'attribute', []).map(({ attribute }) => attribute)).toEqual([
      'a',
      'b2',
      'b',
      'c',
      'd',
      'e',
      'f',
    ]);
  });

  it('keeps sites or nodes apart when asked to', () => {
    const fleet = [node('a', { site: 's' }), node('b', { site: 's' }), node('c', { site: 't' })];
    const all = fleet.map(({ id }) => finding({ node: id }));
    expect(folded(all, 'site', fleet).map(({ group, nodes }) => [group, nodes])).toEqual([
      ['s', ['a', 'b']],
      ['t', ['c']],
    ]);
    expect(folded(all, 'node', fleet)).toHaveLength(3);
  });

  it('loses no finding and invents none: what the folded names select is what was folded', () => {
    const id = fc.tuple(fc.constantFrom('pos-', 'gw.', 'x'), fc.integer({ min: 0, max: 120 }), fc.boolean());
    const ids = fc.uniqueArray(
      id.map(([prefix, number, padded]) => `${prefix}${padded ? String(number).padStart(3, '0') : number}`),
      { minLength: 1, maxLength: 40 },
    );
    const values = fc.array(fc.constantFrom('1', '2', '3'), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(ids, values, (chosen, found) => {
        const fleet = chosen.map((one) => node(one));
        const all = chosen.map((one, index) => finding({ node: one, found: found[index] ?? '' }));
        const unfolded = folded(all, 'attribute', fleet).flatMap((one) =>
          selectNodes({ nodes: fleet }, foldNames(one.nodes)).map((selected) => `${selected.id} ${one.found}`),
        );
        expect(unfolded.sort()).toEqual(all.map((one) => `${one.node} ${one.found}`).sort());
      }),
      { numRuns: 500 },
    );
  });

  it('names no nodes in a command that would be longer than a line', () => {
    const all = Array.from({ length: 60 }, (_, index) =>
      finding({ node: `pos-${index * 2}`, attribute: 'runtime.runc.bundle' }),
    );
    expect(folded(all, 'attribute', [])[0]?.fix).toBe('edgectl rollout runtime runc');
  });
});
