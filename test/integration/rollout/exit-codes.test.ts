import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planDigest } from '../../../src/plan/digest.js';
import { labFleet, quickPolicy, type LabFleet } from '../../helpers/lab-fleet.js';
import { requires } from '../../helpers/requires.js';
import { until } from '../../helpers/until.js';

const need = requires('ssh-keygen');
/** Longer than a crashing lab-runtime lives. */
const carefulPolicy = quickPolicy.replace('window: 2s', 'window: 9s');
const rollout = ['rollout', 'runtime', '--canary', '1', '--policy', 'quick', '--yes'];

describe.skipIf(need.skip)('a rollout from the command line, and its exit codes', () => {
  let fleet: LabFleet;
  let nodes: string[];
  const all = (version: string): Record<string, string> => Object.fromEntries(nodes.map((node) => [node, version]));

  beforeAll(async () => {
    fleet = await labFleet(4);
    nodes = Object.keys(await fleet.versions());
    await fleet.want('1.1.0');
  });
  afterAll(async () => fleet?.close());

  it('refuses with 64 and one error envelope when there is nobody to ask and no --yes', async () => {
    const plain = await fleet.edgectl('rollout', 'runtime', '--canary', '5%', '--policy', 'quick');
    expect(plain.exitCode).toBe(64);
    expect(plain.stdout).toBe('');
    expect(plain.stderr).toContain('--yes');
    const { exitCode, envelope } = await fleet.json('rollout', 'runtime', '--canary', '5%', '--policy', 'quick');
    expect(exitCode).toBe(64);
    expect(envelope.error).toMatchObject({ code: 'CONFIRMATION_NEEDED', exitCode: 64 });
    expect(await fleet.versions()).toEqual(all('1.0.0'));
  });

  it('ends a dry run with 0, or with 2 when asked for detail, and changes nothing', async () => {
    const plain = await fleet.edgectl('rollout', 'runtime', '--canary', '1', '--dry-run');
    expect(plain.exitCode).toBe(0);
    expect(plain.stdout).toContain('1.0.0 → 1.1.0');
    const detailed = await fleet.json('rollout', 'runtime', '--canary', '1', '--dry-run', '--detailed-exitcode');
    expect([detailed.exitCode, detailed.envelope.exitCode]).toEqual([2, 2]);
    expect(await fleet.versions()).toEqual(all('1.0.0'));
  });

  it('refuses with 4 when a node offers another host key than the pinned one, and sends it nothing', async () => {
    const file = join(fleet.dir, 'known_hosts');
    const pins = await readFile(file, 'utf8');
    const [one, other] = nodes as [string, string];
    const line = pins.split('\n').find((candidate) => candidate.includes(one)) ?? '';
    const foreign = pins.split('\n').find((candidate) => candidate.includes(other)) ?? '';
    const swapped = line.split(' ').slice(0, 1).concat(foreign.split(' ').slice(1)).join(' ');
    await writeFile(file, pins.replace(line, swapped));
    try {
      const { exitCode, envelope } = await fleet.json(...rollout, '--on', one);
      expect(exitCode).toBe(4);
      expect(JSON.stringify(envelope)).toContain('refused');
      await writeFile(file, pins.replace(`${line}\n`, ''));
      expect((await fleet.edgectl(...rollout, '--on', one)).exitCode).toBe(4);
    } finally {
      await writeFile(file, pins);
    }
    expect(await fleet.versions()).toEqual(all('1.0.0'));
  });

  it('refuses a plan file that was edited, also with its digest made right again', async () => {
    const file = join(fleet.home, 'plan.json');
    expect((await fleet.edgectl('rollout', 'runtime', '--policy', 'quick', '--out', file)).exitCode).toBe(0);
    const plan = JSON.parse(await readFile(file, 'utf8')) as { slices: Record<string, string>; digest: string };
    const node = nodes[0] as string;
    plan.slices[node] = (plan.slices[node] as string).replace(
      /want\.lab-runtime=.*/,
      `want.lab-runtime=1.3.0 ${fleet.digests['1.3.0']}`,
    );
    await writeFile(file, JSON.stringify(plan));
    const edited = await fleet.json('apply', file, '--yes');
    expect([edited.exitCode, edited.envelope.error?.code]).toEqual([4, 'PLAN_DIGEST']);
    plan.digest = planDigest(plan);
    await writeFile(file, JSON.stringify(plan));
    const resealed = await fleet.json('apply', file, '--yes');
    expect(resealed.exitCode).toBe(4);
    expect(resealed.envelope.error?.code).toBe('PLAN_SIGNATURE');
    expect(await fleet.versions()).toEqual(all('1.0.0'));
  });

  it('refuses with 4 when the nodes do not allow the key that signed, though the login is good', async () => {
    const trust = nodes.map((node) => join(fleet.lab, 'nodes', node, 'etc/edgectl/trust/allowed_signers'));
    const before = await Promise.all(trust.map((file) => readFile(file, 'utf8')));
    const stranger =
      'stranger namespaces="edgectl-plan" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz9t4Yv5Q0jQy2h0dQb0yYcD1Zr8cJr9G1p0m\n';
    await Promise.all(trust.map((file) => writeFile(file, stranger)));
    try {
      const { exitCode, envelope } = await fleet.json(...rollout);
      expect(exitCode).toBe(4);
      expect(envelope.result.counts).toMatchObject({ refused: 1, planned: 3 });
      expect(JSON.stringify(envelope.result.nodes)).toContain('BAD_SIGNATURE');
    } finally {
      await Promise.all(trust.map((file, index) => writeFile(file, before[index] as string)));
    }
    expect(await fleet.versions()).toEqual(all('1.0.0'));
  });

  it('ends with 9 and names the holder when another run holds the nodes', async () => {
    const ssh = await fleet.json('node', 'facts');
    expect(ssh.exitCode).toBe(0);
    const { holdLeases } = await import('../../helpers/hold-leases.js');
    const release = await holdLeases(fleet, { run: '01JD8QK2M4ZX7V9T3N5B6C8D0F', owner: 'ada', host: 'ops-laptop' });
    try {
      const { exitCode, envelope } = await fleet.json(...rollout);
      expect(exitCode).toBe(9);
      expect(JSON.stringify(envelope.result.nodes)).toContain('ada');
      expect(JSON.stringify(envelope.result.nodes)).toContain('ops-laptop');
    } finally {
      await release();
    }
    expect(await fleet.versions()).toEqual(all('1.0.0'));
  });

  it('halts with 5 at the gate when the canary’s runtime crashes, and the canary reverts itself', async () => {
    await fleet.want('1.3.0');
    await writeFile(join(fleet.dir, 'policies', 'careful.yaml'), carefulPolicy);
    const { exitCode, envelope } = await fleet.json(
      'rollout',
      'runtime',
      '--canary',
      '1',
      '--policy',
      'careful',
      '--on',
      'role=pos',
      '--yes',
    );
    expect(exitCode, JSON.stringify(envelope.result)).toBe(5);
    expect(envelope.result.state).toBe('halted');
    expect(envelope.result.counts).toMatchObject({ rolled_back: 1 });
    expect(Object.values(await fleet.versions())).toEqual(nodes.map(() => '1.0.0'));
  });

  it('puts the nodes back and ends with 7 when the policy says so', async () => {
    await fleet.want('1.1.0');
    const back = carefulPolicy
      .replace('- name: canary', '- name: canary\n    select: { labels: { role: gw }, limit: 1 }')
      .replace('- name: rest', '- name: rest\n    gate: { onFail: rollback, maxFailed: 0 }');
    await writeFile(join(fleet.dir, 'policies', 'back.yaml'), back);
    const bad = nodes.filter((node) => node.startsWith('pos-'));
    for (const node of bad) await fleet.edgectl('lab', 'break', node, '--how', 'bad-runtime');
    const { exitCode, envelope } = await fleet.json('rollout', 'runtime', '--policy', 'back', '--yes');
    for (const node of bad) await fleet.edgectl('lab', 'heal', node);
    expect(exitCode, JSON.stringify(envelope.result)).toBe(7);
    expect(Object.values(await fleet.versions())).toEqual(nodes.map(() => '1.0.0'));
  });

  it('lifts every bundle that was denied meanwhile, also two on one node', async () => {
    const denied = nodes
      .filter((node) => node.startsWith('pos-'))
      .map((node) => join(fleet.lab, 'nodes', node, 'var/lib/edgectl/denied/lab-runtime'));
    const count = async (): Promise<number[]> =>
      await Promise.all(denied.map(async (dir) => (await readdir(dir)).length));
    expect((await count()).sort()).toEqual([1, 2]);
    expect((await fleet.edgectl('node', 'undeny', '--on', 'role=pos', '--yes')).exitCode).toBe(0);
    expect(await count()).toEqual([0, 0]);
  });

  it('defers a machine that is off, ends with 3, and catches it up under the same plan with 0', async () => {
    await fleet.want('1.1.0');
    const off = nodes[3] as string;
    await fleet.edgectl('lab', 'break', off, '--how', 'offline');
    const first = await fleet.json(...rollout);
    expect(first.exitCode, JSON.stringify(first.envelope.result?.nodes)).toBe(3);
    expect(first.envelope.result.state).toBe('succeeded_with_stragglers');
    expect(first.envelope.result.counts).toMatchObject({ offline: 1 });
    await fleet.edgectl('lab', 'heal', off);
    const run = first.envelope.runId as string;
    const second = await fleet.json('resume', run);
    expect(second.exitCode).toBe(0);
    expect(second.envelope.runId).toBe(run);
    expect(await fleet.versions()).toEqual(all('1.1.0'));
  });

  it('ends with 0 when there is nothing to do', async () => {
    const plain = await fleet.edgectl(...rollout);
    expect(plain.exitCode).toBe(0);
    const { exitCode, envelope } = await fleet.json(...rollout);
    expect([exitCode, envelope.exitCode]).toEqual([0, 0]);
    expect(envelope.error).toBeUndefined();
  });

  it('rolls a finished run back to exactly what it replaced, and will not resume it after', async () => {
    const runs = await fleet.json('run', 'list');
    const run = (runs.envelope.result.runs as { id: string; state: string; kind: string }[]).find(
      (candidate) => candidate.kind === 'runtime' && candidate.state === 'succeeded',
    );
    const back = await fleet.json('rollback', run?.id ?? '', '--yes');
    expect(back.exitCode, JSON.stringify(back.envelope.result?.nodes)).toBe(0);
    expect(await fleet.versions()).toEqual(all('1.0.0'));
    const again = await fleet.json('resume', run?.id ?? '');
    expect([again.exitCode, again.envelope.error?.code]).toEqual([64, 'RUN_STATE']);
  });

  it('ends with 1 when one node reverts under a passing gate', async () => {
    await fleet.want('1.2.0');
    const bad = nodes.find((node) => node.startsWith('pos-')) as string;
    await fleet.edgectl('lab', 'break', bad, '--how', 'bad-runtime');
    const lenient = carefulPolicy
      .replace('- name: canary', '- name: canary\n    select: { labels: { role: gw }, limit: 1 }')
      .replace('- name: rest', '- name: rest\n    gate: { success: 50%, maxFailed: 1 }');
    await writeFile(join(fleet.dir, 'policies', 'lenient.yaml'), lenient);
    const { exitCode, envelope } = await fleet.json('rollout', 'runtime', '--policy', 'lenient', '--yes');
    expect(exitCode, JSON.stringify(envelope.result)).toBe(1);
    expect(envelope.result.counts).toMatchObject({ succeeded: 3, rolled_back: 1 });
    expect(envelope.result.nodes).toContainEqual(expect.objectContaining({ node: bad, state: 'rolled_back' }));
    expect(await fleet.versions()).toEqual({ ...all('1.2.0'), [bad]: '1.0.0' });
    await fleet.edgectl('lab', 'heal', bad);
  });

  it('lets a denied bundle in again only after a signed undeny', async () => {
    const bad = nodes.find((node) => node.startsWith('pos-')) as string;
    const denied = await fleet.json(...rollout);
    expect(denied.exitCode).not.toBe(0);
    expect(JSON.stringify(denied.envelope.result.nodes)).toContain('DENIED');
    expect((await fleet.json('node', 'undeny', bad, '--yes')).exitCode).toBe(0);
    const allowed = await fleet.json(...rollout);
    expect(allowed.exitCode, JSON.stringify(allowed.envelope.result)).toBe(0);
    expect(await fleet.versions()).toEqual(all('1.2.0'));
  });

  it('ends with 8 for a plan file that was left lying too long', async () => {
    await fleet.want('1.1.0');
    await writeFile(join(fleet.dir, 'policies', 'stale.yaml'), `validFor: 1s\n${quickPolicy}`);
    const file = join(fleet.home, 'old.json');
    expect((await fleet.edgectl('rollout', 'runtime', '--policy', 'stale', '--out', file)).exitCode).toBe(0);
    const plan = JSON.parse(await readFile(file, 'utf8')) as { validUntil: string };
    await until('the plan is too old', () => Date.now() > Date.parse(plan.validUntil));
    const { exitCode, envelope } = await fleet.json('apply', file, '--yes');
    expect([exitCode, envelope.error?.code]).toEqual([8, 'PLAN_EXPIRED']);
  });

  it('leaves no private key and no state of its own in the fleet repository', async () => {
    const files = await readdir(fleet.dir, { recursive: true });
    expect(files.filter((file) => /journal|signing$/.test(file))).toEqual([]);
  });
});
