import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openJournal, type Journal } from '../../../src/journal/journal.js';
import { journalFile } from '../../../src/journal/paths.js';
import { serialisePlan } from '../../../src/plan/serialise.js';
import type { Plan } from '../../../src/plan/types.js';
import type { CliOutcome } from '../../helpers/cli.js';
import { root, runCli } from '../../helpers/cli.js';
import { until } from '../../helpers/until.js';
import { makePlan } from '../../helpers/make-plan.js';

let dir: string;
let plan: Plan;
const fleetId = '01JD8PZZZZZZZZZZZZZZZZZZZZ';

const reverted = { node: 'gw-lyon-02', message: 'exited 1', log: 'level=fatal \u001B[31mboom\n' };
const said = [
  { type: 'stage-started', stage: 'canary', nodes: ['pos-berlin-007', 'gw-lyon-02'] },
  { type: 'node-state', node: 'pos-berlin-007', stage: 'canary', from: 'applying', to: 'succeeded', message: '' },
  { type: 'node-state', stage: 'canary', from: 'applying', to: 'rolled_back', why: 'crash', ...reverted },
  {
    type: 'step-finished',
    step: 'gw-lyon-02/1',
    action: 'runtime.trial',
    attempt: 1,
    outcome: { kind: 'failed', state: 'rolled_back', message: 'exited 1' },
    node: 'gw-lyon-02',
  },
  { type: 'gate', stage: 'canary', passed: false, verdict: 'failed', message: '1 of 2 succeeded' },
];
let seq = 0;

async function say(journal: Journal, event: object): Promise<void> {
  const at = new Date().toISOString();
  const body = JSON.stringify({ at, run: plan.id, ...event });
  await journal.events.append(plan.id, { seq: (seq += 1), at, type: 'event', body });
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgectl-runs-'));
  await runCli(['init', join(dir, 'fleet')], { cwd: dir, env: { HOME: dir } });
  const file = join(dir, 'fleet/fleet.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace(/^id: .*$/m, `id: ${fleetId}`));
  plan = makePlan({ nodes: ['pos-berlin-007', 'gw-lyon-02', 'pos-rome-001'], stages: { canary: 2, rest: 1 } });
  await writeFile(join(dir, 'plan.json'), serialisePlan(plan));
  const journal = await openJournal({ file: journalFile(fleetId, {}, dir), now: () => Date.now() });
  await journal.runs.create(plan);
  await journal.runs.setNode(plan.id, {
    node: 'pos-berlin-007',
    stage: 'canary',
    state: 'succeeded',
    why: null,
    message: 'containerd 2.1.9',
    log: null,
  });
  await journal.runs.setNode(plan.id, {
    node: 'gw-lyon-02',
    stage: 'canary',
    state: 'rolled_back',
    why: 'crash',
    message: 'exited 1',
    log: 'level=fatal \u001B[31mboom\n',
  });
  await journal.runs.setStage(plan.id, {
    stage: 'canary',
    state: 'failed',
    lastSuccessAt: null,
    gate: '1 of 2 succeeded',
  });
  await journal.attempts.intend(plan.id, {
    node: 'gw-lyon-02',
    seq: 1,
    attempt: 1,
    action: 'runtime.apply',
    wireId: `${plan.id}/gw-lyon-02/1/1`,
    nonce: 'c0ffee00c0ffee00',
  });
  for (const event of said) await say(journal, event);
  await journal.runs.setState(plan.id, 'halted', { exitCode: 5, message: 'gate of canary failed: 1 of 2 succeeded' });
  await journal.close();
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

const edgectl = (...argv: string[]): Promise<CliOutcome> =>
  runCli(argv, { cwd: join(dir, 'fleet'), env: { HOME: dir } });

const json = async (...argv: string[]): Promise<{ exitCode: number; envelope: Record<string, unknown> }> => {
  const { exitCode, stdout } = await edgectl(...argv, '--json');
  return { exitCode, envelope: JSON.parse(stdout) as Record<string, unknown> };
};

/** A command that goes on while the test does something else. */
function following(...argv: string[]): {
  stdout: () => string;
  stderr: () => string;
  code: () => number | null;
  ended: Promise<number | null>;
} {
  const env = { PATH: process.env['PATH'], HOME: dir };
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  const child = spawn(process.execPath, [`${root}bin/run.js`, ...argv], { cwd: join(dir, 'fleet'), env, stdio });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (chunk: Buffer) => (texts[name] += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { stdout: () => texts.stdout, stderr: () => texts.stderr, code: () => child.exitCode, ended };
}

describe('runs in the journal', () => {
  it('are listed, newest first', async () => {
    expect((await edgectl('run', 'list', '-o', 'name')).stdout).toBe(`${plan.id}\n`);
    const table = await edgectl('run', 'list');
    expect(table.stdout).toContain('halted');
  });

  it('show their state, who failed and why, and the command to go on, last', async () => {
    const { stdout, exitCode } = await edgectl('run', 'status', 'last');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('reverted    gw-lyon-02  exited 1');
    expect(stdout.trimEnd().split('\n').at(-1)).toContain(`edgectl rollback ${plan.id}`);
    expect(stdout).toContain(`edgectl resume ${plan.id}`);
  });

  it('give their own exit code when asked for, with and without --json', async () => {
    expect((await edgectl('run', 'status', '--detailed-exitcode')).exitCode).toBe(5);
    const told = await edgectl('run', 'status', plan.id.slice(0, 10), '--detailed-exitcode', '--json');
    expect(told.exitCode).toBe(5);
    expect(JSON.parse(told.stdout)).toMatchObject({
      runId: plan.id,
      exitCode: 5,
      result: { state: 'halted', counts: { succeeded: 1, rolled_back: 1 } },
    });
  });

  it('show one node with its log made harmless, and never the nonce of its confirmation', async () => {
    const plain = await edgectl('run', 'status', 'last', '--node', 'gw-lyon-02');
    expect(plain.stdout).toContain('│ level=fatal \\x1b[31mboom');
    const told = await edgectl('run', 'status', 'last', '--node', 'gw-lyon-02', '--json');
    expect(JSON.parse(told.stdout)).toMatchObject({
      result: { node: 'gw-lyon-02', attempts: [{ action: 'runtime.apply', outcome: null }] },
    });
    expect(plain.stdout + told.stdout).not.toContain('c0ffee');
  });

  it('that are not there end with 64', async () => {
    expect(await edgectl('run', 'status', '01ZZZZZZZZZZZZZZZZZZZZZZZZ')).toMatchObject({ exitCode: 64, stdout: '' });
  });
});

describe('a plan', () => {
  it('is shown from a file and from the journal alike', async () => {
    const file = await edgectl('plan', 'show', join(dir, 'plan.json'));
    expect(file.exitCode).toBe(0);
    expect(file.stdout).toContain('Plan ' + plan.id);
    expect((await edgectl('plan', 'show', 'last')).stdout).toBe(file.stdout);
  });

  it('that was edited is refused with 4 before anything of it is shown', async () => {
    await cp(join(dir, 'plan.json'), join(dir, 'edited.json'));
    const text = await readFile(join(dir, 'edited.json'), 'utf8');
    await writeFile(join(dir, 'edited.json'), text.replace('pos-rome-001', 'pos-rome-002'));
    const { exitCode, stdout } = await edgectl('plan', 'show', join(dir, 'edited.json'), '--json');
    expect(exitCode).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'PLAN_DIGEST' } });
  });

  it('that is not there ends with 64', async () => {
    expect((await edgectl('plan', 'show', './nothing.json')).exitCode).toBe(64);
  });
});

describe('one node of a run', () => {
  it('is explained: the state, what it means, what was wanted, what to type', async () => {
    const { stdout, exitCode } = await edgectl('run', 'explain', 'last', 'gw-lyon-02');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^gw-lyon-02 in run \w+: reverted/);
    expect(stdout).toContain('rolled_back: it went back to what ran before, by itself or by us');
    expect(stdout).toMatch(/because +exited 1/);
    expect(stdout).toMatch(/place +stage canary, number \d of 2/);
    expect(stdout.trimEnd().split('\n').at(-1)).toContain('edgectl rollout runtime --on gw-lyon-02');
  });

  it('is explained to programs, too, also when nothing was asked of it yet', async () => {
    const { envelope } = await json('run', 'explain', 'last', 'pos-rome-001');
    expect(envelope.result).toMatchObject({ state: 'planned', stage: 'rest', final: false });
  });

  it('has to be of that run', async () => {
    const { exitCode, envelope } = await json('run', 'explain', 'last', 'pos-nowhere');
    expect(exitCode).toBe(64);
    expect(envelope.error).toMatchObject({ code: 'NODE_NOT_FOUND' });
  });
});

describe('a run that another process works on', () => {
  it('is watched and read until that process lets go of it', async () => {
    const journal = await openJournal({ file: journalFile(fleetId, {}, dir), now: () => Date.now() });
    const lease = await journal.leases.take(`run ${plan.id}`);
    const watched = following('run', 'status', 'last', '--watch');
    const read = following('run', 'logs', 'last', '--follow', '-o', 'ndjson');
    await until(
      'both to have shown what there is',
      () => /stage canary started: 2 nodes$/m.test(watched.stderr()) && read.stdout().includes('stage-started'),
    );
    await say(journal, { type: 'warning', message: 'a word of the other process' });
    await until('both to show what is new', () =>
      [watched.stderr(), read.stdout()].every((text) => text.includes('a word of the other process')),
    );
    expect([watched.code(), read.code()]).toEqual([null, null]);
    await journal.leases.release(lease);
    await journal.close();
    expect(await Promise.all([watched.ended, read.ended])).toEqual([0, 0]);
    expect(watched.stdout()).toContain(`run ${plan.id}  runtime  halted`);
    const types = read
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(['stage-started', 'node-state', 'node-state', 'step-finished', 'gate', 'warning']);
  });

  it('is read whole, or of one node with its steps and its log made harmless', async () => {
    const whole = await edgectl('run', 'logs');
    expect(whole.stdout).toContain('gate of canary failed');
    expect(whole.stdout).not.toContain('runtime.trial');
    const { stdout } = await edgectl('run', 'logs', 'last', 'gw-lyon-02');
    expect(stdout).toMatch(/^\S+Z gw-lyon-02 reverted: exited 1\n {2}│ level=fatal \\x1b\[31mboom$/m);
    expect(stdout).toContain('gw-lyon-02 ends runtime.trial: failed, exited 1');
    expect(stdout).not.toContain('pos-berlin-007');
  });
});

describe('aborting', () => {
  it('needs --yes without a terminal: one envelope and 64, and the run is as it was', async () => {
    const { exitCode, stdout } = await edgectl('run', 'abort', plan.id, '--json');
    expect(exitCode).toBe(64);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CONFIRMATION_NEEDED' } });
    expect((await edgectl('run', 'status')).stdout).toContain('halted');
  });

  it('ends the run once, and says so the second time', async () => {
    const { exitCode, stdout } = await edgectl('run', 'abort', plan.id, '--yes', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ runId: plan.id, result: { state: 'aborted', holder: null } });
    expect((await edgectl('run', 'status')).stdout).toContain('aborted');
    expect(await edgectl('run', 'abort', plan.id, '--yes')).toMatchObject({ exitCode: 64 });
  });
});
