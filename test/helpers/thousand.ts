import type { RunEvent } from '../../src/executor/events.js';
import type { NodeState } from '../../src/plan/types.js';

const run = '01JD8QAZ0Y5V9W3K7M2N4P6R8T';
const start = Date.parse('2026-03-01T13:44:51Z');
const cities = ['berlin', 'lyon', 'oslo', 'turin', 'porto', 'genoa', 'nice', 'malta', 'ghent', 'basel'];

/** RFC 3339 time of a number of seconds after the start. */
const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString();
const name = (index: number): string =>
  `pos-${cities[index % cities.length]}-${String(Math.floor(index / cities.length) + 1).padStart(3, '0')}`;

const stages = [
  { name: 'canary', nodes: 10 },
  { name: 'early', nodes: 90 },
  { name: 'rest', nodes: 900 },
];
const stageOf = (index: number): string => (index < 10 ? 'canary' : index < 100 ? 'early' : 'rest');

/** When a made-up node of the run begins, and what it comes to: the same every time. */
function fate(index: number): { begins: number; lasts: number; state: NodeState; message: string; why?: string } {
  const begins = index < 10 ? index * 12 : index < 100 ? 180 + (index - 10) * 2 : 420 + (index - 100);
  if (index % 97 === 50)
    return {
      begins,
      lasts: 64,
      state: 'rolled_back',
      message: 'what ran before runs again (crash: containerd.service is failed)',
      why: 'crash',
    };
  if (index % 61 === 33) return { begins, lasts: 10, state: 'offline', message: 'connection refused', why: 'refused' };
  if (index === 777)
    return {
      begins,
      lasts: 5,
      state: 'failed',
      message: '0 KiB free in /var/lib/edgectl, 112640 KiB needed',
      why: 'NO_SPACE',
    };
  return { begins, lasts: 48 + ((index * 7) % 23), state: 'succeeded', message: 'durable (5 of 5 probes pass)' };
}

/** The events of a made-up rollout to a thousand nodes, in order, each with the second at which it happens. */
export function thousandNodes(): { second: number; event: RunEvent }[] {
  const events: { second: number; event: RunEvent }[] = [];
  const say = (second: number, event: RunEvent): void => void events.push({ second, event });
  say(0, {
    type: 'run-started',
    at: at(0),
    run,
    fleet: 'acme-retail',
    plan: 'ab',
    resumed: false,
    nodes: 1000,
    stages,
  });
  const begin = [0, 180, 420];
  stages.forEach((stage, index) =>
    say(begin[index] ?? 0, {
      type: 'stage-started',
      at: at(begin[index] ?? 0),
      run,
      stage: stage.name,
      nodes: nodesOf(stage.name),
    }),
  );
  for (let index = 0; index < 1000; index += 1) {
    const { begins, lasts, state, message, why } = fate(index);
    const node = name(index);
    const stage = stageOf(index);
    const base = { run, node };
    const silent = state === 'offline' || state === 'failed';
    if (!silent) {
      say(begins, {
        type: 'node-state',
        at: at(begins),
        ...base,
        stage,
        from: 'planned',
        to: 'applying',
        message: 'its trial has begun',
      });
      const step = { ...base, step: `${node}/2`, action: 'runtime.trial' };
      say(begins, { type: 'step-started', at: at(begins), ...step, attempt: 1 });
      for (let pass = 1; pass <= 5; pass += 1)
        say(begins + pass * 8, {
          type: 'step-progress',
          at: at(begins + pass * 8),
          ...base,
          step: step.step,
          message: 'trial',
          passes: pass,
          needed: 5,
        });
    }
    const end = begins + lasts;
    const from: NodeState = silent ? 'planned' : 'applying';
    say(end, {
      type: 'node-state',
      at: at(end),
      ...base,
      stage,
      from,
      to: state,
      message,
      ...(why === undefined ? {} : { why }),
    });
  }
  say(179, {
    type: 'gate',
    at: at(179),
    run,
    stage: 'canary',
    passed: true,
    verdict: 'passed',
    succeeded: 10,
    failed: 0,
    scored: 10,
    message: '10 of 10 succeeded',
  });
  say(419, {
    type: 'gate',
    at: at(419),
    run,
    stage: 'early',
    passed: true,
    verdict: 'passed',
    succeeded: 87,
    failed: 1,
    scored: 88,
    message: '87 of 88 succeeded',
  });
  return events.sort((a, b) => a.second - b.second);
}

/** The events that end that rollout at its gate after some seconds. */
export function halted(events: readonly { second: number; event: RunEvent }[], second: number): RunEvent[] {
  const before = events.filter((one) => one.second <= second).map(({ event }) => event);
  const last = new Map<string, NodeState>();
  for (const event of before) if (event.type === 'node-state') last.set(event.node, event.to);
  // What was in its trial when the gate failed is carried to its end.
  const ends: RunEvent[] = [...last]
    .filter(([, state]) => state === 'applying')
    .map(([node]) => {
      const stage = stageOf([...Array(1000).keys()].find((index) => name(index) === node) ?? 0);
      last.set(node, 'succeeded');
      const message = 'durable (5 of 5 probes pass)';
      return { type: 'node-state', at: at(second + 50), run, node, stage, from: 'applying', to: 'succeeded', message };
    });
  const counts: Partial<Record<NodeState, number>> = {};
  for (const state of last.values()) counts[state] = (counts[state] ?? 0) + 1;
  counts.planned = 1000 - last.size;
  const finished: RunEvent = {
    type: 'run-finished',
    at: at(second + 51),
    run,
    state: 'halted',
    exitCode: 5,
    message: 'gate of rest failed: 9 of 500 nodes failed',
    open: '',
    counts,
    elapsedMs: (second + 51) * 1000,
  };
  const gate: RunEvent = {
    type: 'gate',
    at: at(second),
    run,
    stage: 'rest',
    passed: false,
    verdict: 'failed',
    succeeded: 491,
    failed: 9,
    scored: 500,
    message: '9 of 500 nodes failed',
  };
  return [...before, gate, ...ends, finished];
}

function nodesOf(stage: string): string[] {
  return [...Array(1000).keys()].filter((index) => stageOf(index) === stage).map(name);
}

/** Milliseconds since the epoch of a second of the made-up run. */
export const thousandAt = (seconds: number): number => start + seconds * 1000;
