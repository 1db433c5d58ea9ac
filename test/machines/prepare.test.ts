import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { planDigest } from '../../src/plan/digest.js';
import { Operator } from '../helpers/machines-operator.js';
import { machinesNeed, testMachines } from '../helpers/machines.js';
import { until } from '../helpers/until.js';

interface Told {
  state: string;
  counts: Record<string, number>;
  nodes: { node: string; state: string; message: string; why?: string }[];
}

describe.skipIf(machinesNeed.skip)('node prepare as a plan, on bare machines', () => {
  let lab: MachinesLab;
  let operator: Operator;
  const login = ['--login', 'root', '--yes'];
  beforeAll(async () => {
    lab = await testMachines({ count: 2, prefix: 'prep' });
    operator = new Operator(lab);
    await operator.takeOver({ prepare: false });
  });
  afterAll(() => lab.stop());

  const kitOf = (at: number): Promise<string> =>
    lab.nodes[at]?.sh('sha256sum </usr/local/sbin/edgectl-node 2>/dev/null || echo none') ?? Promise.resolve('');
  const run = async (
    ...argv: string[]
  ): Promise<{ exitCode: number; runId: string; result: Told; error?: { code: string; message: string } }> => {
    const outcome = await operator.run(...argv, '--json');
    return { ...(JSON.parse(outcome.stdout) as { runId: string; result: Told }), exitCode: outcome.exitCode };
  };

  it('finishes after a kill -9 in the middle: the node is asked what became of it, and the very same kit is there', async () => {
    const [first, second] = lab.nodes;
    // The script stands still where it makes the unit known, before the kit: a moment that the test can see.
    const slow = [
      '#!/bin/sh',
      'if [ "$1" = daemon-reload ] && [ -e /root/hold ]; then echo "$PPID" >/root/held; fi',
      'while [ -s /root/held ] && [ -e /root/hold ]; do sleep 0.1; done',
      'exec /usr/bin/systemctl "$@"',
      '',
    ].join('\n');
    await first?.exec(
      ['sh', '-c', 'cat >/usr/local/bin/systemctl; chmod 755 /usr/local/bin/systemctl; : >/root/hold.later'],
      {
        input: slow,
      },
    );
    const file = path.join(lab.dir, 'prepare.json');
    expect((await run('node', 'prepare', '--all', '--login', 'root', '--out', file)).exitCode).toBe(0);
    await first?.sh('mv /root/hold.later /root/hold');
    const started = operator.start('apply', file, '--yes');
    await until(
      'the script is in the middle',
      async () => (await first?.exec(['test', '-s', '/root/held']))?.status === 0,
    );
    started.kill();
    await started.ended;
    expect(await kitOf(0)).toBe('none\n');
    expect(await first?.sh('id -un edgectl')).toBe('edgectl\n');
    // The node's side dies with it, as in a power cut: half of it is there.
    await first?.sh('kill -9 "$(cat /root/held)"; rm -f /root/hold /root/held /usr/local/bin/systemctl');
    const resumed = await run('resume', 'last');
    expect(resumed.exitCode, JSON.stringify(resumed)).toBe(0);
    expect(resumed.result.nodes.map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
    expect(await kitOf(0)).toBe(await kitOf(1));
    expect(await second?.sh('systemctl is-enabled edgectl-recover')).toBe('enabled\n');
    const again = await run('apply', file, '--yes');
    expect([again.exitCode, again.runId]).toEqual([0, resumed.runId]);
    const anew = await run('node', 'prepare', '--all', ...login);
    expect(anew.exitCode, JSON.stringify(anew)).toBe(0);
    expect(anew.result).toMatchObject({ nodes: [{ skip: { state: 'noop' } }, { skip: { state: 'noop' } }] });
  });

  it('is taken back as a plan, from a file, on a computer that never saw the run; a node that is away follows later', async () => {
    const [, second] = lab.nodes;
    await second?.sh('systemctl stop ssh.socket ssh.service 2>/dev/null; systemctl stop ssh');
    const undone = await run('node', 'prepare', '--all', '--undo', ...login);
    expect(undone.exitCode, JSON.stringify(undone)).toBe(3);
    expect(undone.result.counts).toMatchObject({ succeeded: 1, offline: 1 });
    expect(await kitOf(0)).toBe('none\n');
    expect(await kitOf(1)).not.toBe('none\n');
    await second?.sh('systemctl start ssh');
    const finished = await run('resume', undone.runId);
    expect(finished.exitCode, JSON.stringify(finished)).toBe(0);
    for (const node of lab.nodes)
      expect(await node.sh('find / -xdev -iname "*edgectl*" -not -path "/proc/*" -not -path "/var/log/*"')).toBe('');
    const file = path.join(lab.dir, 'again.json');
    expect((await run('node', 'prepare', '--all', '--login', 'root', '--out', file)).exitCode).toBe(0);
    const elsewhere = operator.elsewhere();
    const applied = await elsewhere.run('apply', file, '--yes', '--json');
    expect(applied.exitCode, applied.stdout).toBe(0);
    expect(await kitOf(0)).toBe(await kitOf(1));
  });

  it('refuses with 8 another kit or other keys than the plan froze, with 4 an edited or unsigned plan, and touches nothing', async () => {
    await operator.run('node', 'prepare', '--all', '--undo', ...login);
    const file = path.join(lab.dir, 'third.json');
    expect((await run('node', 'prepare', '--all', '--login', 'root', '--out', file)).exitCode).toBe(0);
    const text = await readFile(file, 'utf8');
    const signers = path.join(operator.fleetDir, 'trust/allowed_signers');
    const keys = await readFile(signers, 'utf8');
    await writeFile(signers, `${keys}# a change\n`);
    const other = await run('apply', file, '--yes');
    expect([other.exitCode, other.error?.code]).toEqual([8, 'PREPARATION_STALE']);
    await writeFile(signers, keys);
    const plan = JSON.parse(text) as { authority: unknown; digest: string };
    await writeFile(file, JSON.stringify({ ...plan, authority: null }));
    const unsigned = await run('apply', file, '--yes');
    expect([unsigned.exitCode, unsigned.error?.code]).toEqual([4, 'PLAN_SIGNATURE']);
    const edited = JSON.parse(text.replaceAll('prepare.user=edgectl', 'prepare.user=mallory')) as { digest: string };
    edited.digest = planDigest(edited);
    await writeFile(file, JSON.stringify(edited));
    const forged = await run('apply', file, '--yes');
    expect([forged.exitCode, forged.error?.code]).toEqual([4, 'PLAN_SIGNATURE']);
    for (const at of [0, 1]) expect(await kitOf(at)).toBe('none\n');
    await writeFile(file, text);
    expect((await run('apply', file, '--yes')).exitCode).toBe(0);
  });
});
