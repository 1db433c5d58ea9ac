import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openJournal } from '../../../src/journal/journal.js';
import { journalFile } from '../../../src/journal/paths.js';
import { serialisePlan } from '../../../src/plan/serialise.js';
import type { Plan } from '../../../src/plan/types.js';
import type { CliOutcome } from '../../helpers/cli.js';
import { runCli } from '../../helpers/cli.js';
import { makePlan } from '../../helpers/make-plan.js';

let dir: string;
let plan: Plan;
const fleetId = '01JD8PZZZZZZZZZZZZZZZZZZZZ';

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
  await journal.runs.setState(plan.id, 'halted', { exitCode: 5, message: 'gate of canary failed: 1 of 2 succeeded' });
  await journal.close();
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

const edgectl = (...argv: string[]): Promise<CliOutcome> =>
  runCli(argv, { cwd: join(dir, 'fleet'), env: { HOME: dir } });

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
    const json = await edgectl('run', 'status', plan.id.slice(0, 10), '--detailed-exitcode', '--json');
    expect(json.exitCode).toBe(5);
    expect(JSON.parse(json.stdout)).toMatchObject({
      runId: plan.id,
      exitCode: 5,
      result: { state: 'halted', counts: { succeeded: 1, rolled_back: 1 } },
    });
  });

  it('show one node with its log made harmless, and never the nonce of its confirmation', async () => {
    const plain = await edgectl('run', 'status', 'last', '--node', 'gw-lyon-02');
    expect(plain.stdout).toContain('│ level=fatal \\x1b[31mboom');
    const json = await edgectl('run', 'status', 'last', '--node', 'gw-lyon-02', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      result: { node: 'gw-lyon-02', attempts: [{ action: 'runtime.apply', outcome: null }] },
    });
    expect(plain.stdout + json.stdout).not.toContain('c0ffee');
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
