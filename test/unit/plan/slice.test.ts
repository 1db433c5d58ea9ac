import { describe, expect, it } from 'vitest';

import { buildSlices, parseKeyValueText, planStatement, sliceText } from '../../../src/plan/slice.js';
import type { SliceFields, SliceOptions, SliceSource } from '../../../src/plan/slice.js';

const fields: SliceFields = {
  kind: 'update',
  fleet: 'F1',
  node: 'pos-1',
  run: 'RUN',
  series: 7,
  expires: 100,
  health: { windowS: 90, passes: 5, capS: 300, confirmS: 300 },
  expect: { containerd: null, runc: 'e'.repeat(64) },
  want: { runc: null, containerd: { version: '2.0.1', digest: 'a'.repeat(64) } },
};

describe('a slice', () => {
  it('is the text of the protocol page, sorted', () => {
    expect(sliceText(fields)).toBe(
      [
        'confirm.window=300',
        'edgectl-slice=1',
        'emergency=0',
        'expect.containerd=none',
        `expect.runc=${'e'.repeat(64)}`,
        'expires=100',
        'fleet=F1',
        'health.cap=300',
        'health.passes=5',
        'health.window=90',
        'kind=update',
        'node=pos-1',
        'run=RUN',
        'series=7',
        `want.containerd=2.0.1 ${'a'.repeat(64)}`,
        'want.runc=none',
        '',
      ].join('\n'),
    );
  });

  it('says what becomes of the state of what goes back, for the node that goes back, and nothing when nobody chose', () => {
    const node = {
      id: 'pos-1',
      stage: 'rollback',
      observed: null,
      expectBefore: {},
      expectAfter: { k3s: 'b'.repeat(64) },
    };
    const plan = { ...fields, kind: 'rollback', id: 'RUN', fleet: { id: 'F1', name: 'f', digest: '' }, nodes: [node] };
    const slice = (options: Partial<SliceOptions>): ReadonlyMap<string, string> | null =>
      parseKeyValueText(
        buildSlices(plan as unknown as SliceSource, { versionOf: () => '1.31', ...options })['pos-1'] ?? '',
      );
    expect(slice({ state: { 'pos-1': { k3s: 'restore' } } })?.get('state.k3s')).toBe('restore');
    expect([...(slice({})?.keys() ?? [])].filter((key) => key.startsWith('state.'))).toEqual([]);
    expect(slice({ state: { other: { k3s: 'keep' } } })?.has('state.k3s')).toBe(false);
  });

  it('reads back what it wrote', () => {
    expect(parseKeyValueText(sliceText(fields))?.get('want.containerd')).toBe(`2.0.1 ${'a'.repeat(64)}`);
  });

  it.each(['pos-1\nkind=eject', 'pos\u0000', 'pos\r'])('does not let %j into a line of its own', (node) => {
    expect(() => sliceText({ ...fields, node })).toThrow(/cannot hold/);
  });

  it.each(['', 'a=1', 'b=1\na=1\n', 'a=1\na=2\n', '=1\n', 'A B=1\n'])('does not read %j', (text) => {
    expect(parseKeyValueText(text)).toBeNull();
  });

  it('is bound to its run by the statement', () => {
    expect(planStatement({ id: 'RUN', fleet: { id: 'F1' }, series: 7, expires: 100 }, 'ab')).toBe(
      'edgectl-plan=1\nexpires=100\nfleet=F1\nroot=ab\nrun=RUN\nseries=7\n',
    );
  });
});
