import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { crashingTree } from '../helpers/machines-authority.js';
import { containerdDeb, genuineNeed, newerDeb, plain, runningVersions } from '../helpers/machines-genuine.js';
import { KitOnMachine } from '../helpers/machines-kit.js';
import { Operator } from '../helpers/machines-operator.js';
import { poll, startServing, taskPid, testMachines } from '../helpers/machines.js';
import { root } from '../helpers/cli.js';
import { parse, stringify } from 'yaml';
import { until } from '../helpers/until.js';

const crashAfterS = 30;
const common = {
  budget: { groupBy: 'none', maxUnavailable: 8 },
  nodeDeadline: '10m',
  progressDeadline: '15m',
  offline: { mode: 'defer', max: '50%' },
};
const everyOne = { success: '100%', minSample: 1, maxFailed: 0, onFail: 'pause' };
const policy = {
  stages: [
    {
      ...common,
      name: 'canary',
      select: { labels: { ring: 'early' }, limit: '1' },
      concurrency: 1,
      gate: everyOne,
      soak: '0s',
    },
    // The two that are hit in their trial are in it together.
    { ...common, name: 'pair', select: { labels: { ring: 'pair' }, limit: '2' }, concurrency: 2, gate: everyOne },
    {
      ...common,
      name: 'rest',
      concurrency: 7,
      gate: { success: '40%', minSample: 1, maxFailed: 3, onFail: 'pause' },
    },
  ],
  ramp: { start: 4, factor: 4 },
  // Longer than the bad build lives.
  health: { window: `${crashAfterS + 6}s`, passes: 3, cap: '70s', confirm: '25s' },
};
/** The way back restores what ran before; how long the bad build lives does not matter to it. */
const quick = { ...policy, health: { ...policy.health, window: '5s' } };
const [away, crashing, cut, dark, first] = ['edge-008', 'edge-007', 'edge-006', 'edge-005', 'edge-001'];
const rings = { [first]: 'early', [cut]: 'pair', [dark]: 'pair' };
// Not on the two whose power goes: nothing serves through that.
const serving = ['edge-002', 'edge-003', 'edge-006', 'edge-007'];

interface RunView {
  run: string;
  exitCode: number;
  nodes: { node: string; state: string; message: string; why?: string }[];
}

describe.skipIf((await genuineNeed()).skip)('a rollout by the edgectl program over eight real machines', () => {
  let lab: MachinesLab;
  let operator: Operator;
  let newer: Record<string, string>;
  let older: Record<string, string>;

  beforeAll(async () => {
    // On images that lose what was not synced, for the power cuts.
    lab = await testMachines({ count: 8, stateImageMiB: 512 });
    operator = new Operator(lab);
    await operator.takeOver({ rings });
    older = await runningVersions(lab.node(first));
    const containerd = await containerdDeb();
    const good = await operator.pack(containerd, 'containerd');
    const shim = await operator.pack(containerd, 'containerd-shim');
    const runc = await operator.pack(await newerDeb('runc'), 'runc');
    const bad = await packCrashing(operator, containerd);
    newer = { containerd: plain(good.version), 'containerd-shim': plain(shim.version), runc: plain(runc.version) };
    await operator.write(
      'runtimes.yaml',
      stringify([
        { ...good, on: `not ${crashing}` },
        { ...bad, on: crashing },
        { ...shim, on: `not ${crashing}` },
        runc,
      ]),
    );
    await operator.write('policies/machines.yaml', stringify(policy));
    await operator.must('fleet', 'check');
  });
  afterAll(() => lab.stop());

  it('rolls out canary first, past a machine that is off, one that crashes, one that is cut off, two power cuts, and its own death', async () => {
    const containers = await Promise.all(serving.map((id) => startServing(lab.node(id))));
    // The cut-off one is not reachable for its own reasons.
    const pollers = containers.map((container, n) => (serving[n] === cut ? undefined : poll(container)));
    await lab.node(away).powerOff();

    const rollout = operator.start('rollout', 'runtime', '--policy', 'machines', '--yes');

    // The power of the canary goes as soon as the operator has heard of its commit: it comes back with the new versions.
    await says(rollout, ` ${first} ok: `);
    await lab.node(first).powerCut();
    await lab.node(first).boot();
    expect(await runningVersions(lab.node(first))).toEqual(newer);

    await Promise.all([inTrial(lab, cut, newer, rollout), inTrial(lab, dark, newer, rollout)]);
    await Promise.all([lab.node(dark).powerCut(), lab.node(cut).partition()]);
    rollout.kill();
    expect(await rollout.ended).toBe(null);

    // The one whose power went in its trial comes back with the old versions, and says why.
    const { runs } = await operator.must<{ runs: { id: string }[] }>('run', 'list');
    const run = runs[0]?.id ?? '';
    await lab.node(dark).boot();
    const lost = await new KitOnMachine(lab.node(dark)).status(run, `${run}/${dark}/2/1`);
    expect([lost.state, lost.why]).toEqual(['REVERTED', 'power']);
    expect(await runningVersions(lab.node(dark))).toEqual(older);

    // Nobody is there to confirm: the machine that is cut off goes back alone.
    const kit = new KitOnMachine(lab.node(cut));
    const tx = await kit.reaches(run, `${run}/${cut}/2/1`, ['REVERTED'], 200);
    expect([tx.state, tx.why]).toEqual(['REVERTED', 'deadline']);
    expect(await runningVersions(lab.node(cut))).toEqual(older);
    await lab.node(cut).reconnect();

    const resumed = view(await operator.run('resume', run, '--json'));
    expect(resumed.exitCode).toBe(1);
    const states = Object.fromEntries(resumed.nodes.map((node) => [node.node, node.state]));
    expect(states[away]).toBe('offline');
    expect(states[crashing]).toBe('rolled_back');
    for (const node of lab.nodes)
      if (node.id !== away && node.id !== crashing) expect([node.id, states[node.id]]).toEqual([node.id, 'succeeded']);

    for (const [n, id] of serving.entries()) {
      expect([id, await taskPid(lab.node(id))]).toEqual([id, containers[n]?.pid]);
      const report = await pollers[n]?.stop();
      expect(report?.failures ?? []).toEqual([]);
    }
    for (const node of lab.nodes) {
      if (node.id === away) continue;
      const expected = node.id === crashing ? { ...older, runc: expect.any(String) } : newer;
      expect([node.id, await runningVersions(node)]).toEqual([node.id, expected]);
    }
    expect((await runningVersions(lab.node(crashing))).containerd).toBe(older['containerd']);

    // What the resumed operator was told of the first attempts, before it made the second ones under the same plan.
    expect(await trialsOf(operator, run, dark)).toEqual([
      [1, 'rolled_back', 'power'],
      [2, 'succeeded', undefined],
    ]);
    expect(await trialsOf(operator, run, cut)).toEqual([
      [1, 'rolled_back', 'deadline'],
      [2, 'succeeded', undefined],
    ]);
    expect(await trialsOf(operator, run, first)).toEqual([[1, 'succeeded', undefined]]);

    // Nothing that was committed was done again, over the death of the operator and the resume.
    for (const node of lab.nodes)
      if (node.id !== away) expect(await commits(new KitOnMachine(node), run)).toBe(node.id === crashing ? 0 : 1);
  });

  it('lets the machine that was off catch up under the same frozen plan', async () => {
    await lab.node(away).boot();
    const caught = view(await operator.run('resume', 'last', '--json'));
    expect(caught.nodes.find((node) => node.node === away)?.state).toBe('succeeded');
    expect(await runningVersions(lab.node(away))).toEqual(newer);
    // The other one's failure stays what it was.
    expect(caught.exitCode).toBe(1);
    expect(caught.nodes.find((node) => node.node === crashing)?.state).toBe('rolled_back');
    for (const node of lab.nodes)
      expect(await commits(new KitOnMachine(node), caught.run)).toBe(node.id === crashing ? 0 : 1);
  });

  it('puts every machine back to what the run replaced', async () => {
    await operator.write('policies/machines.yaml', stringify(quick));
    const back = view(await operator.run('rollback', 'last', '--yes', '--json'));
    expect(back.nodes.filter((node) => node.state === 'succeeded').length).toBe(7);
    for (const node of lab.nodes) expect([node.id, await runningVersions(node)]).toEqual([node.id, older]);
  });

  it('refuses a machine whose host key has changed, and does nothing to it', async () => {
    const known = path.join(operator.fleetDir, 'known_hosts');
    const text = await readFile(known, 'utf8');
    const [one, two] = lab.nodes;
    await writeFile(known, text.replace(one?.record.hostKey ?? '', two?.record.hostKey ?? ''));
    const outcome = await operator.run(
      'rollout',
      'runtime',
      '--on',
      'edge-001',
      '--policy',
      'machines',
      '--yes',
      '--json',
    );
    await writeFile(known, text);
    expect(outcome.exitCode).toBe(4);
    expect(await runningVersions(lab.node('edge-001'))).toEqual(older);
  });
});

/** A containerd that is gone after some seconds, packed with a driver of the fleet's own that takes its wrapper. */
async function packCrashing(
  operator: Operator,
  deb: string,
): Promise<{ runtime: string; version: string; digest: string }> {
  const scratch = path.join(operator.fleetDir, '..', 'bad');
  await mkdir(scratch, { recursive: true });
  const { tree, version } = await crashingTree(scratch, deb, crashAfterS);
  const driver = parse(await readFile(`${root}templates/drivers/containerd.yaml`, 'utf8')) as {
    files: { to: string; kind: string }[];
  };
  const files = [
    ...driver.files.map((file) => (file.to === 'bin/containerd' ? { ...file, kind: 'script' } : file)),
    { to: 'bin/containerd-genuine', from: ['usr/bin/containerd-genuine'], kind: 'elf' },
  ];
  const own = path.join(operator.fleetDir, 'drivers/containerd.yaml');
  await operator.write('drivers/containerd.yaml', stringify({ ...driver, files }));
  const packed = await operator.pack(tree, 'containerd', '--version', version);
  await rm(own);
  return packed;
}

/** Waits until a machine runs the new build in its trial (armed alone, it would abort); fails when the rollout ends before. */
async function inTrial(
  lab: MachinesLab,
  id: string,
  newer: Readonly<Record<string, string>>,
  rollout: { ended: Promise<unknown>; output: () => string },
): Promise<void> {
  let over = false;
  void rollout.ended.then(() => (over = true));
  const trial = async (): Promise<boolean> => {
    const script = 'test -e /run/edgectl/trial && readlink "/proc/$(systemctl show -p MainPID --value containerd)/exe"';
    const { stdout } = await lab.node(id).exec(['sh', '-c', script]);
    if (stdout.includes(`/store/containerd/${newer['containerd']}`)) return true;
    if (over) throw new Error(`${id} never came to its trial:\n${rollout.output().slice(-4000)}`);
    return false;
  };
  await until(`${id} is in its trial`, trial, { within: 500_000, every: 200 });
}

/** Waits until a command has printed a line with these words; fails when it ends before. */
async function says(command: { ended: Promise<unknown>; output: () => string }, words: string): Promise<void> {
  let over = false;
  void command.ended.then(() => (over = true));
  const said = (): boolean => {
    if (command.output().includes(words)) return true;
    if (over) throw new Error(`it never said “${words}”:\n${command.output().slice(-4000)}`);
    return false;
  };
  await until(`“${words}” is printed`, said, { within: 500_000 });
}

/** What the operator's journal has of a machine's transactions: attempt, the state that it led to, and why; the newest word on each. */
async function trialsOf(operator: Operator, run: string, id: string): Promise<[number, string, string | undefined][]> {
  type Attempt = { attempt: number; outcome: { state: string; why?: string } | null };
  const { attempts } = await operator.must<{ attempts: Attempt[] }>('run', 'status', run, '--node', id);
  const last = new Map(attempts.map(({ attempt, outcome }) => [attempt, outcome]));
  return [...last]
    .sort(([a], [b]) => a - b)
    .map(([attempt, outcome]) => [attempt, outcome?.state ?? 'open', outcome?.why]);
}

/** How many transactions of a run a machine has committed. */
async function commits(kit: KitOnMachine, run: string): Promise<number> {
  const text = await kit.machine.sh(
    `for d in /var/lib/edgectl/tx/${run}.*; do grep -l ' COMMIT \\|^v1 COMMIT' "$d/journal"; done 2>/dev/null | wc -l`,
  );
  return Number(text);
}

function view(outcome: { exitCode: number; stdout: string; stderr: string }): RunView {
  const envelope = JSON.parse(outcome.stdout) as { result?: Omit<RunView, 'exitCode'>; error?: unknown };
  if (envelope.result === undefined) throw new Error(`${outcome.exitCode}: ${outcome.stdout}\n${outcome.stderr}`);
  return { ...envelope.result, exitCode: outcome.exitCode };
}
