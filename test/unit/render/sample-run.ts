import type { RunEvent } from '../../../src/executor/events.js';
import type { NodeState, RunState } from '../../../src/plan/types.js';

const run = '01JD8QAZ0Y5V9W3K7M2N4P6R8T';
const start = Date.parse('2026-03-01T13:44:51Z');

/** RFC 3339 time of a number of seconds after the start of the made-up run. */
export const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString();
/** Milliseconds since the epoch, likewise. */
export const ms = (seconds: number): number => start + seconds * 1000;

/** One change of state. */
export function move(
  seconds: number,
  node: string,
  from: NodeState,
  to: NodeState,
  message = '',
  more: { why?: string; log?: string; stage?: string } = {},
): RunEvent {
  const { stage = 'rest', ...rest } = more;
  return { type: 'node-state', at: at(seconds), run, node, stage, from, to, message, ...rest };
}

const name = (number: number): string => `pos-genoa-${String(number).padStart(3, '0')}`;

/** The made-up run up to its middle: canaries done, the rest under way, one reverted, hostile text in a message. */
export function middle(): RunEvent[] {
  const events: RunEvent[] = [
    {
      type: 'run-started',
      at: at(0),
      run,
      fleet: 'acme-retail',
      plan: 'ab',
      resumed: false,
      nodes: 38,
      stages: [
        { name: 'canary', nodes: 2 },
        { name: 'rest', nodes: 36 },
      ],
    },
    { type: 'stage-started', at: at(0), run, stage: 'canary', nodes: ['pos-berlin-007', 'gw-lyon-02'] },
    move(1, 'pos-berlin-007', 'planned', 'applying', 'trial began', { stage: 'canary' }),
    move(120, 'pos-berlin-007', 'applying', 'succeeded', 'containerd 2.1.9', { stage: 'canary' }),
    move(121, 'gw-lyon-02', 'planned', 'applying', 'trial began', { stage: 'canary' }),
    move(240, 'gw-lyon-02', 'applying', 'succeeded', 'containerd 2.1.9', { stage: 'canary' }),
    {
      type: 'gate',
      at: at(240),
      run,
      stage: 'canary',
      passed: true,
      verdict: 'passed',
      succeeded: 2,
      failed: 0,
      scored: 2,
      message: '2 of 2 succeeded',
    },
    {
      type: 'stage-started',
      at: at(241),
      run,
      stage: 'rest',
      nodes: Array.from({ length: 36 }, (_, index) => name(index + 1)),
    },
  ];
  for (let index = 1; index <= 21; index += 1) {
    events.push(move(241 + index, name(index), 'planned', 'applying', 'trial began'));
    events.push(move(300 + index, name(index), 'applying', 'succeeded', 'containerd 2.1.9'));
  }
  for (let index = 22; index <= 27; index += 1) {
    events.push(move(340 + index, name(index), 'planned', 'applying', 'trial began'));
    events.push({
      type: 'step-started',
      at: at(340 + index),
      run,
      node: name(index),
      step: `${name(index)}/1`,
      action: 'runtime.apply',
      attempt: 1,
    });
  }
  events.push({
    type: 'step-progress',
    at: at(380),
    run,
    node: name(22),
    step: `${name(22)}/1`,
    message: 'health',
    passes: 3,
    needed: 5,
  });
  events.push(move(381, name(28), 'planned', 'applying', 'trial began'));
  events.push(
    move(420, name(28), 'applying', 'rolled_back', 'containerd 2.1.9 exited 1 after 32 s, back on 1.7.24\u001B[2J', {
      why: 'crash',
      log: lastWords,
    }),
  );
  events.push(move(430, 'pos-oslo-003', 'planned', 'offline', 'connection refused', { why: 'refused' }));
  events.push({ type: 'warning', at: at(431), run, node: 'pos-nice-002', message: 'answers slowly' });
  return events;
}

const lastWords =
  'level=info msg="starting"\nlevel=fatal msg="failed to load config: unknown key \u202Estream_idle\u202C" and a long tail of words that goes on well beyond the width of any terminal that we draw for, even a wide one\n';

/** The whole made-up run. */
export function whole(state: RunState = 'succeeded_with_stragglers', exitCode = 1): RunEvent[] {
  const events = middle();
  for (let index = 22; index <= 27; index += 1)
    events.push(move(500 + index, name(index), 'applying', 'succeeded', 'containerd 2.1.9'));
  for (let index = 29; index <= 33; index += 1)
    events.push(
      move(600 + index, name(index), 'planned', 'refused', `host key of ${name(index)} is not pinned`, {
        why: 'host-key-unknown',
      }),
    );
  events.push(move(640, name(34), 'planned', 'blocked', '"till open", asked 3 times', { why: 'veto' }));
  for (let index = 35; index <= 36; index += 1)
    events.push(move(640, name(index), 'planned', 'succeeded', 'containerd 2.1.9'));
  const counts = { succeeded: 31, rolled_back: 1, offline: 1, refused: 5, blocked: 1 };
  events.push({
    type: 'run-finished',
    at: at(1390),
    run,
    state,
    exitCode,
    message: 'succeeded with stragglers: told by the opening already',
    open: '',
    counts,
    elapsedMs: 1_390_000,
  });
  return events;
}
