// What a rollout over N nodes (default 1,000) costs the operator's process: peak RSS, time, and how soon a resumed run speaks to a node.
// The nodes are a few lines of this file; the journal, the executor and the actions are the built ones. Build first: npm run build
import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = (path) => import(new URL(`../dist/${path}`, import.meta.url));
const { builtinActions } = await dist('actions/registry.js');
const { compileSteps } = await dist('actions/runtime/compile.js');
const { systemRunClock } = await dist('executor/clock.js');
const { Executor, resumeRun } = await dist('executor/executor.js');
const { openJournal } = await dist('journal/journal.js');
const { MerkleTree } = await dist('plan/merkle.js');
const { sealPlan } = await dist('plan/serialise.js');
const { buildSlices, planStatement } = await dist('plan/slice.js');

const [OLD, NEW, RUN] = ['a'.repeat(64), 'b'.repeat(64), '01JBENCH000000000000000000'];
const size = 1_000_000;

function makePlan(count) {
  const at = new Date();
  const ids = Array.from({ length: count }, (_, index) => `edge-${String(index).padStart(5, '0')}`);
  const health = { windowS: 1, passes: 1, capS: 60, confirmS: 60 };
  const nodes = ids.map((id, index) => ({
    id,
    site: `site-${index % 100}`,
    region: 'here',
    arch: 'amd64',
    os: 'debian-12',
    stage: 'rest',
    intent: false,
    observed: { at: at.toISOString(), components: { rt: OLD }, versions: { rt: '1.0' } },
    expectBefore: { rt: OLD },
    expectAfter: { rt: NEW },
  }));
  const stage = {
    name: 'rest',
    nodes: ids,
    first: 1,
    concurrency: 100,
    ramp: { start: 10, factor: 2 },
    budget: { groupBy: 'none', maxUnavailable: 1 },
    nodeDeadlineMs: 600_000,
    progressDeadlineMs: 600_000,
    soakMs: 0,
    offline: { mode: 'defer', max: count },
    gate: { success: 0.9, minSample: 1, maxFailed: 0, onFail: 'pause' },
  };
  const body = {
    schema: 1,
    tool: 'bench',
    id: RUN,
    kind: 'runtime',
    fleet: { id: 'BENCH', name: 'bench', digest: OLD },
    createdAt: at.toISOString(),
    validUntil: new Date(+at + 3_600_000).toISOString(),
    series: 1,
    expires: Math.floor(+at / 1000) + 86_400,
    seed: 's',
    policy: { name: 'bench', rehearsal: true, maxFailed: 0, maxStale: 0 },
    health,
    changes: [
      { component: 'rt', to: { version: '2.0', digest: NEW, size, signedBy: 'bench' }, from: ['1.0'], nodes: count },
    ],
    nodes,
    stages: [stage],
    steps: nodes.flatMap((node) => compileSteps({ kind: 'runtime', node, actual: { rt: OLD }, health })),
  };
  const slices = buildSlices(body, { versionOf: () => '2.0' });
  const { root } = new MerkleTree(slices);
  return sealPlan({ ...body, slices, authority: { root, statement: planStatement(body, root), signature: 'bench' } });
}

/** Nodes that do what they are told, a few milliseconds away. `report` hears of the first call. */
function makeKit(report = () => {}) {
  const states = new Map();
  let calls = 0;
  const ok = (...lines) => ({ kind: 'ok', lines });
  const answer = (node, { verb, fields }) => {
    const state = states.get(node) ?? { digest: OLD };
    states.set(node, state);
    const tx = () => ({ t: 'tx', tx: 'x', run: RUN, step: state.step, state: state.tx, deadline_left: 100 });
    if (verb === 'lease') return ok({ t: 'lease', held: true, token: 1 });
    if (verb === 'stage' && fields.op === 'offer') return ok({ t: 'offer', have: false, offset: 0 });
    if (verb === 'stage' && fields.op === 'put') return ok({ t: 'put', offset: size });
    if (verb === 'run') Object.assign(state, { step: fields.step, tx: 'TRIAL', nonce: fields.nonce_sha256 });
    if (verb === 'status' && fields.since === 'TRIAL') state.tx = 'AWAIT';
    if (verb === 'confirm' && createHash('sha256').update(fields.nonce).digest('hex') === state.nonce) {
      Object.assign(state, { tx: 'COMMIT', digest: NEW });
    }
    const generation = { t: 'generation', committed_components: { rt: { digest: state.digest, version: 'x' } } };
    return ok(...(state.step === undefined ? [] : [tx()]), generation);
  };
  return {
    call: async (node, call) => {
      calls += 1;
      if (calls === 1) report();
      await new Promise((resolve) => setTimeout(resolve, 5));
      return answer(node, call);
    },
    count: () => calls,
  };
}

async function depsOf(file, kit, controls, sink) {
  return {
    journal: await openJournal({ file, now: () => Date.now() }),
    kit,
    registry: builtinActions(),
    clock: systemRunClock,
    controls,
    sink,
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    bundles: { [NEW]: { statement: 's', signature: 's', size } },
    owner: { owner: 'bench', host: 'bench' },
  };
}
const peakMiB = () => Math.round(process.resourceUsage().maxRSS / 1024);

if (process.argv[2] === '--resume') {
  let first = 0;
  const kit = makeKit(() => (first = performance.now()));
  const deps = await depsOf(process.argv[3], kit, { onDrain: () => {}, onDetach: () => {} }, () => {});
  const result = await resumeRun(RUN, deps);
  console.log(
    `resume: first remote action ${Math.round(first)} ms after the process began; ${result.state}, ${kit.count()} calls; peak RSS ${peakMiB()} MiB`,
  );
  await deps.journal.close();
} else {
  const count = Number(process.argv[2] ?? 1000);
  const dir = mkdtempSync(join(tmpdir(), 'edgectl-bench-'));
  const file = join(dir, 'journal.db');
  let done = 0;
  let drain = () => {};
  const controls = { onDrain: (listener) => (drain = listener), onDetach: () => {} };
  const kit = makeKit();
  const sink = (event) => {
    if (event.type === 'node-state' && event.to === 'succeeded' && (done += 1) === Math.floor(count / 2))
      drain('SIGINT');
  };
  const began = performance.now();
  const plan = makePlan(count);
  const deps = await depsOf(file, kit, controls, sink);
  const first = await new Executor(plan, deps).run();
  await deps.journal.close();
  const half = Math.round(performance.now() - began);
  console.log(
    `${count} nodes, interrupted at half: ${first.state} (exit ${first.exitCode}), ${kit.count()} calls in ${half} ms; peak RSS ${peakMiB()} MiB`,
  );
  const child = fork(fileURLToPath(import.meta.url), ['--resume', file]);
  process.exitCode = await new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
  rmSync(dir, { recursive: true, force: true });
}
