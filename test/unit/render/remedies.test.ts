import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/executor/events.js';
import { reasonOf } from '../../../src/plan/outcomes.js';
import { remarksOn } from '../../../src/render/remarks.js';
import { remedyFor } from '../../../src/render/remedies.js';
import { RunView } from '../../../src/render/run-view.js';
import { groupNodes } from '../../../src/render/summary.js';
import { wrap } from '../../../src/render/width.js';
import { at, move } from './sample-run.js';

const run = '01JD8QAZ0Y5V9W3K7M2N4P6R8T';

describe('what to type for a node', () => {
  it.each([
    ['refused', 'host-key-changed', 'edgectl node trust n1 --replace'],
    ['refused', 'host-key-unknown', 'edgectl node trust n1'],
    ['rolled_back', 'crash', 'edgectl node logs n1'],
    ['rolled_back', 'health: till is gone', 'edgectl node logs n1'],
    ['rolled_back', 'power', `edgectl resume ${run} --retry n1`],
    ['offline', 'closed', `edgectl resume ${run}`],
    ['offline', 'handshake-timeout', 'edgectl node doctor n1'],
    ['failed', 'NO_SPACE', 'edgectl node doctor n1'],
    ['failed', 'DENIED', 'edgectl node undeny n1'],
    ['stale', 'fingerprint', 'edgectl node facts n1'],
    ['blocked', 'veto', undefined],
    ['succeeded', undefined, undefined],
  ] as const)('%s (%s) → %s', (state, why, command) => {
    expect(remedyFor({ state, why, node: 'n1', run })).toBe(command);
  });

  it('knows a code in front of a reason only when the tables of states have it', () => {
    expect(reasonOf('host-key-changed: n1 offers another')).toEqual({
      why: 'host-key-changed',
      message: 'n1 offers another',
    });
    expect(reasonOf('warning: n1 smells')).toEqual({ why: 'warning: n1 smells', message: 'warning: n1 smells' });
  });
});

describe('messages of nodes that are folded together', () => {
  const message = (text: string): string | undefined =>
    groupNodes([{ id: 'pos-1', state: 'failed', why: undefined, message: text }])[0]?.message;

  it('speak of it, but keep paths and longer names as they are', () => {
    expect(message('host key of pos-1 is not pinned')).toBe('host key of it is not pinned');
    expect(message('/lab/nodes/pos-1/var cannot be written')).toBe('/lab/nodes/pos-1/var cannot be written');
    expect(message('this node is pos-1-liar, the slice is for pos-1')).toBe(
      'this node is pos-1-liar, the slice is for it',
    );
    expect(message('pos-1.example.org, not pos-1.')).toBe('pos-1.example.org, not it.');
  });
});

describe('what is worth a look although it went well', () => {
  const view = (events: RunEvent[]): RunView => {
    const made = new RunView();
    for (const event of events) made.apply(event);
    return made;
  };
  const through = (node: string, seconds: number): RunEvent[] => [
    move(0, node, 'planned', 'applying'),
    move(seconds, node, 'applying', 'succeeded'),
  ];

  it('is nothing when all take their time alike', () => {
    expect(remarksOn(view(['a', 'b', 'c', 'd', 'e'].flatMap((node, index) => through(node, 20 + index))))).toEqual([]);
  });

  it('is a node that took three times as long as half of the others', () => {
    const events = [...['a', 'b', 'c', 'd'].flatMap((node) => through(node, 20)), ...through('e', 75)];
    expect(remarksOn(view(events))).toEqual([
      { code: 'slow', nodes: ['e'], message: 'took 1m15s, half of all at most 20s', next: 'edgectl node doctor e' },
    ]);
  });

  it('is a node that lost its connection on the way, and one that came through at another attempt', () => {
    const outcome = { kind: 'failed', state: 'rolled_back', message: 'power was lost during the trial' } as const;
    const step = { step: 'b/2', action: 'runtime.trial', attempt: 1 };
    const events: RunEvent[] = [
      move(0, 'a', 'planned', 'applying'),
      move(5, 'a', 'applying', 'in_doubt'),
      move(9, 'a', 'in_doubt', 'applying'),
      move(15, 'a', 'applying', 'in_doubt'),
      move(20, 'a', 'in_doubt', 'succeeded'),
      move(0, 'b', 'planned', 'applying'),
      { type: 'step-finished', at: at(5), run, node: 'b', ...step, outcome },
      move(20, 'b', 'applying', 'succeeded'),
    ];
    expect(remarksOn(view(events))).toMatchObject([
      { code: 'unsteady', nodes: ['a'], message: 'lost the connection 2 times on the way' },
      { code: 'again', nodes: ['b'], message: 'came through at attempt 2, after: power was lost during the trial' },
    ]);
  });
});

it('breaks lines also for a terminal that says it has no width', () => {
  expect(wrap('ab c', 0)).toEqual(['a', 'b', 'c']);
  expect(wrap('ab', -2)).toEqual(['a', 'b']);
});
