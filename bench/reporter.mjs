// CPU time of the live view for a run of 1,000 nodes: 12 events a node and a frame every 250 ms of a 10-minute run.
// The promise is under 0.3 s. Ends with 1 when it is broken. Run `npm run build` first.
import { Writable } from 'node:stream';
import { createRunReporter } from '../dist/render/reporter.js';
import { createUi } from '../dist/render/ui.js';

const nodes = 1000;
const limitMs = 300;
const runMs = 600_000;
const start = Date.parse('2026-03-01T12:00:00Z');
let now = start;
let tick = () => {};
const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
const reporter = createRunReporter({
  stderr: sink,
  stdout: sink,
  redraw: true,
  format: 'table',
  ui: createUi({ isTTY: false, env: {}, noColor: true, width: 120 }),
  clock: { now: () => now },
  every: (_ms, draw) => {
    tick = draw;
    return () => {};
  },
});

const events = [];
const states = ['planned', 'staged', 'applying', 'succeeded'];
for (let index = 0; index < nodes; index += 1) {
  const node = `edge-${String(index).padStart(4, '0')}`;
  const base = start + (index / nodes) * (runMs - 20_000);
  for (let step = 1; step < states.length; step += 1) {
    const at = base + step * 5000;
    const common = { run: '01', node };
    events.push([
      at,
      {
        type: 'node-state',
        at: new Date(at).toISOString(),
        ...common,
        stage: 'rest',
        from: states[step - 1],
        to: states[step],
        message: 'x',
      },
    ]);
    events.push([
      at + 1,
      {
        type: 'step-started',
        at: new Date(at + 1).toISOString(),
        ...common,
        step: '1',
        action: 'runtime.apply',
        attempt: 1,
      },
    ]);
    events.push([
      at + 2,
      {
        type: 'step-progress',
        at: new Date(at + 2).toISOString(),
        ...common,
        step: '1',
        message: 'health',
        passes: 1,
        needed: 5,
      },
    ]);
    events.push([
      at + 3,
      {
        type: 'step-finished',
        at: new Date(at + 3).toISOString(),
        ...common,
        step: '1',
        action: 'runtime.apply',
        attempt: 1,
        outcome: { kind: 'ok', state: states[step], message: '' },
      },
    ]);
  }
}
events.sort(([a], [b]) => a - b);
reporter.sink({
  type: 'run-started',
  at: new Date(start).toISOString(),
  run: '01',
  fleet: 'f',
  plan: 'p',
  resumed: false,
  nodes,
  stages: [{ name: 'rest', nodes }],
});

const before = process.cpuUsage();
let next = 0;
for (; now <= start + runMs; now += 250) {
  while (next < events.length && events[next][0] <= now) reporter.sink(events[next++][1]);
  tick();
}
await reporter.close();
const { user, system } = process.cpuUsage(before);
const ms = (user + system) / 1000;
console.log(`${events.length} events, ${runMs / 250} frames: ${ms.toFixed(0)} ms of CPU (limit ${limitMs})`);
process.exit(ms <= limitMs ? 0 : 1);
