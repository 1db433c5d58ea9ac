import { access, open, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../helpers/cli.js';
import { holdLeases } from '../../helpers/hold-leases.js';
import { labFleet, quickPolicy, type Envelope, type LabFleet } from '../../helpers/lab-fleet.js';
import { requires } from '../../helpers/requires.js';
import { until } from '../../helpers/until.js';

const need = requires('ssh-keygen');
const rollout = ['rollout', 'runtime', '--canary', '1', '--policy', 'quick', '--yes'];

describe.skipIf(need.skip)('an operator that dies, leaves, or starts on another computer', () => {
  let fleet: LabFleet;
  let nodes: string[];
  const versionsAre = (version: string): Record<string, string> =>
    Object.fromEntries(nodes.map((node) => [node, version]));
  /** Transactions that each node has committed, by its own record: how often a change was really made. */
  const commits = async (): Promise<Record<string, number>> => {
    const counts = nodes.map(async (node) => {
      const dir = join(fleet.lab, 'nodes', node, 'var/lib/edgectl/tx');
      const journals = await Promise.all((await readdir(dir)).map((tx) => readFile(join(dir, tx, 'journal'), 'utf8')));
      return [node, journals.filter((text) => text.includes(' COMMIT ')).length] as const;
    });
    return Object.fromEntries(await Promise.all(counts));
  };
  const inTrial = async (): Promise<string[]> => {
    const found = nodes.map((node) =>
      access(join(fleet.lab, 'nodes', node, 'run/edgectl/trial')).then(
        () => [node],
        () => [],
      ),
    );
    return (await Promise.all(found)).flat();
  };
  /** The node's own word, not the operator's output: "staged" is printed before the transaction has begun, and a kill there opens no trial. */
  const aTrial = (): Promise<unknown> => until('a trial is open', async () => (await inTrial()).length > 0);
  const runs = async (): Promise<{ id: string; state: string; kind: string }[]> =>
    (await fleet.json('run', 'list')).envelope.result.runs;

  beforeAll(async () => {
    fleet = await labFleet(4);
    nodes = Object.keys(await fleet.versions());
    await fleet.want('1.1.0');
  });
  afterAll(async () => fleet?.close());

  it('is killed -9 between its canary and the rest, and resumes without repeating a commit', async () => {
    const operator = fleet.start(...rollout);
    await until('the canary is done', () => /stage rest started/.test(operator.stderr()));
    operator.kill('SIGKILL');
    expect(await operator.ended).toBe('SIGKILL');
    const [run] = await runs();
    expect(run?.state).toBe('running');
    const resumed = await fleet.json('resume', run?.id ?? '');
    expect(resumed.exitCode, JSON.stringify(resumed.envelope.result?.nodes)).toBe(0);
    expect(await fleet.versions()).toEqual(versionsAre('1.1.0'));
    expect(await commits()).toEqual(Object.fromEntries(nodes.map((node) => [node, 1])));
  });

  it('drains on the first Ctrl-C, ends with 130, and says how to go on', async () => {
    await fleet.want('1.2.0');
    const operator = fleet.start(...rollout);
    await until('a trial is open', () => /in trial|staged/.test(operator.stderr()));
    operator.kill('SIGINT');
    expect(await operator.ended).toBe(130);
    const [run] = await runs();
    expect(run?.state).toBe('interrupted');
    const status = await fleet.edgectl('run', 'status', run?.id ?? '');
    expect(status.stdout).toContain(`edgectl resume ${run?.id}`);
    const resumed = await fleet.json('resume', 'last');
    expect(resumed.exitCode, JSON.stringify(resumed.envelope.result?.nodes)).toBe(0);
    expect(await fleet.versions()).toEqual(versionsAre('1.2.0'));
  });

  it('leaves at once on the second signal with 143, and the open trials are settled by the nodes or the resume', async () => {
    await fleet.want('1.1.0');
    const operator = fleet.start(...rollout);
    await aTrial();
    operator.kill('SIGTERM');
    await until('it drains', () => /SIGTERM: no new step/.test(operator.stderr())).catch((error: unknown) => {
      throw new Error(operator.stderr(), { cause: error });
    });
    operator.kill('SIGTERM');
    expect(await operator.ended).toBe(143);
    expect(operator.stderr()).toMatch(/detached; 1 trial\(s\) revert by themselves within \d+ s/);
    const resumed = await fleet.json('resume', 'last');
    expect(resumed.exitCode, JSON.stringify(resumed.envelope.result?.nodes)).toBe(0);
    expect(await fleet.versions()).toEqual(versionsAre('1.1.0'));
  });

  it('goes on from a plan file on a computer that never saw the run', async () => {
    await fleet.want('1.2.0');
    const file = join(fleet.home, 'plan.json');
    expect(
      (await fleet.edgectl('rollout', 'runtime', '--canary', '1', '--policy', 'quick', '--out', file)).exitCode,
    ).toBe(0);
    const before = await commits();
    const operator = fleet.start('apply', file, '--yes');
    await until('the canary is done', () => /stage rest started/.test(operator.stderr()));
    operator.kill('SIGKILL');
    await operator.ended;
    const elsewhere = { ...fleet.env, XDG_STATE_HOME: join(fleet.home, 'other-state') };
    const outcome = await runCli(['apply', file, '--yes', '--json'], { env: elsewhere });
    const envelope = JSON.parse(outcome.stdout) as Envelope;
    expect(outcome.exitCode, JSON.stringify(envelope.result?.nodes)).toBe(0);
    expect(await fleet.versions()).toEqual(versionsAre('1.2.0'));
    const after = await commits();
    expect(Object.fromEntries(nodes.map((node) => [node, (after[node] ?? 0) - (before[node] ?? 0)]))).toEqual(
      Object.fromEntries(nodes.map((node) => [node, 1])),
    );
  });

  it('says that its journal is damaged, keeps the file, and rebuilds it from the nodes', async () => {
    const file = join(fleet.home, 'again.json');
    await fleet.want('1.1.0');
    expect(
      (await fleet.edgectl('rollout', 'runtime', '--canary', '1', '--policy', 'quick', '--out', file)).exitCode,
    ).toBe(0);
    expect((await fleet.edgectl('apply', file, '--yes')).exitCode).toBe(0);
    const id = JSON.parse(await readFile(file, 'utf8')) as { fleet: { id: string }; id: string };
    const journal = join(fleet.home, 'state/edgectl', id.fleet.id, 'journal.db');
    for (const suffix of ['-wal', '-shm']) await rm(`${journal}${suffix}`, { force: true });
    const handle = await open(journal, 'r+');
    await handle.write(Buffer.alloc(4096 * 3, 0x5a), 0, 4096 * 3, 0);
    await handle.close();
    const broken = await fleet.json('run', 'list');
    expect(broken.envelope.error?.code).toBe('JOURNAL_CORRUPT');
    expect(broken.exitCode).toBe(1);
    const rebuilt = await fleet.json('journal', 'rebuild', file);
    expect(rebuilt.exitCode, JSON.stringify(rebuilt.envelope)).toBe(0);
    expect(rebuilt.envelope.result.known).toBe(nodes.length);
    expect(rebuilt.envelope.result.setAside).toHaveLength(1);
    const resumed = await fleet.json('resume', id.id);
    expect(resumed.exitCode, JSON.stringify(resumed.envelope)).toBe(0);
  });

  it('tells a second operator who holds the nodes, since when, and from where', async () => {
    await fleet.want('1.2.0');
    const release = await holdLeases(fleet, { run: '01JD8QK2M4ZX7V9T3N5B6C8D0F', owner: 'grace', host: 'depot' });
    try {
      const refused = await fleet.edgectl(...rollout);
      expect(refused.exitCode).toBe(9);
      expect(`${refused.stdout}${refused.stderr}`).toMatch(/grace.*depot|depot.*grace/s);
      expect(`${refused.stdout}${refused.stderr}`).toMatch(/for\s+\d+\s+s/);
    } finally {
      await release();
    }
  });

  it('gives one run to one process on this computer', async () => {
    const operator = fleet.start(...rollout);
    await until('it has begun', () => /stage canary started/.test(operator.stderr()));
    const second = await fleet.json('resume', 'last');
    expect([second.exitCode, second.envelope.error?.code]).toEqual([9, 'LEASE_HELD']);
    expect(await operator.ended).toBe(0);
  });

  it('is paused from another terminal, ends with 6, and goes on when resumed', async () => {
    await fleet.want('1.1.0');
    // A request is heard at the next heartbeat of the run's lease, so the canary has to take longer than that.
    await writeFile(join(fleet.dir, 'policies/slow.yaml'), quickPolicy.replace('window: 2s', 'window: 9s'));
    const operator = fleet.start('rollout', 'runtime', '--canary', '1', '--policy', 'slow', '--yes');
    await until('it has begun', () => /stage canary started/.test(operator.stderr()));
    const asked = await fleet.json('run', 'pause', 'last');
    expect(asked.exitCode, JSON.stringify(asked.envelope)).toBe(0);
    expect(await operator.ended).toBe(6);
    expect((await runs())[0]?.state).toBe('paused');
    expect((await fleet.json('resume', 'last')).exitCode).toBe(0);
    expect(await fleet.versions()).toEqual(versionsAre('1.1.0'));
    const idle = await fleet.json('run', 'pause', 'last');
    expect([idle.exitCode, idle.envelope.error?.code]).toEqual([64, 'RUN_STATE']);
  });

  it('finds every trial reverted when nobody came back, and tries again when asked', async () => {
    await fleet.want('1.2.0');
    const policy = await readFile(join(fleet.dir, 'policies/quick.yaml'), 'utf8');
    await writeFile(
      join(fleet.dir, 'policies/short.yaml'),
      policy.replace('cap: 20s, confirm: 20s', 'cap: 10s, confirm: 6s'),
    );
    const operator = fleet.start('rollout', 'runtime', '--canary', '1', '--policy', 'short', '--yes');
    await aTrial();
    operator.kill('SIGKILL');
    await operator.ended;
    await until('every trial is over', async () => (await inTrial()).length === 0);
    expect(await fleet.versions()).toEqual(versionsAre('1.1.0'));
    const resumed = await fleet.json('resume', 'last');
    expect(resumed.exitCode, JSON.stringify(resumed.envelope.result?.nodes)).toBe(0);
    expect(await fleet.versions()).toEqual(versionsAre('1.2.0'));
  });
});
