import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/lab/machines/machine.js';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { genuineNeed, newerDeb, plain, runningVersions } from '../helpers/machines-genuine.js';
import { Operator } from '../helpers/machines-operator.js';
import { testMachines } from '../helpers/machines.js';

const entry = '/usr/local/sbin/edgectl-node';
const old = '0.0.9';
const oneStage = {
  name: 'everything',
  nodeDeadline: '5m',
  progressDeadline: '10m',
  gate: { success: '100%', minSample: 1, maxFailed: 0, onFail: 'pause' },
  soak: '0s',
};
const policy = { stages: [oneStage], health: { window: '8s', passes: 3, cap: '60s', confirm: '60s' } };

describe.skipIf((await genuineNeed()).skip)('a kit upgrade on a real systemd machine', () => {
  let lab: MachinesLab;
  let operator: Operator;
  let machine: Machine;
  let run: string;
  let current: string;

  beforeAll(async () => {
    lab = await testMachines({ count: 1, stateImageMiB: 512 });
    operator = new Operator(lab);
    await operator.takeOver();
    machine = lab.node('edge-001');
    current = await kit(machine);
    // What an earlier edgectl would have installed.
    await machine.sh(`sed -i "s/^KIT_VERSION=.*/KIT_VERSION='${old}'/" ${entry}`);
    await operator.write('policies/machines.yaml', stringify(policy));
  });
  afterAll(() => lab.stop());

  it('ends with the old kit when the power goes in its trial, which the old copy guards', async () => {
    expect(await kit(machine)).toBe(old);
    const rollout = operator.start('rollout', 'kit', '--policy', 'machines', '--yes');
    await inTrial(machine, rollout);
    expect(await kit(machine)).not.toBe(old);
    const guards = await machine.sh('systemctl show -p ExecStart,ExecStopPost edgectl-tx edgectl-deadman');
    const programs = [...guards.matchAll(/path=(\S+)/gu)].map((match) => match[1]);
    expect(programs.length).toBe(3);
    for (const program of programs) expect(program).toMatch(/^\/var\/lib\/edgectl\/store\/kit\/0-adopted-/u);
    rollout.kill();
    await rollout.ended;
    await machine.powerCut();
    await machine.boot();
    expect(await kit(machine)).toBe(old);
    expect(await machine.sh('systemctl show -p Result --value edgectl-recover')).toBe('success\n');
    const { runs } = await operator.must<{ runs: { id: string }[] }>('run', 'list');
    run = runs[0]?.id ?? '';
    expect(await machine.sh(`cat /var/lib/edgectl/tx/${run}.*/journal`)).toContain('REVERTED');
  });

  it('is tried again by resume, committed, and there after a cut and an orderly boot', async () => {
    const resumed = await operator.run('resume', run, '--json');
    expect([resumed.exitCode, resumed.stdout]).toEqual([0, expect.stringContaining('succeeded')]);
    expect(await kit(machine)).toBe(current);
    await machine.powerCut();
    await machine.boot();
    expect(await kit(machine)).toBe(current);
    await machine.powerOff();
    await machine.boot();
    expect(await kit(machine)).toBe(current);
    expect(await machine.sh('systemctl show -p Result --value edgectl-recover')).toBe('success\n');
    expect(await machine.sh(`grep -c "^KIT_VERSION='${old}'" ${entry}`)).toBe('1\n');
  });

  it('rolls a runtime out with the new kit, says to prepare what can be upgraded, and goes back to the old kit', async () => {
    const runc = await operator.pack(await newerDeb('runc'), 'runc');
    await operator.write('runtimes.yaml', stringify([runc]));
    await operator.must('rollout', 'runtime', '--policy', 'machines', '--yes');
    expect((await runningVersions(machine)).runc).toBe(plain(runc.version));

    await operator.must('rollback', run, '--yes');
    expect(await kit(machine)).toBe(old);
    expect((await runningVersions(machine)).runc).toBe(plain(runc.version));
    const prepared = await operator.must<{ nodes: { skip?: { state: string; why: string } }[] }>(
      'node',
      'prepare',
      machine.id,
      '--login',
      'root',
      '--yes',
    );
    expect(prepared.nodes[0]?.skip).toMatchObject({ state: 'noop' });
    expect(prepared.nodes[0]?.skip?.why).toContain(`its kit ${old} stays: edgectl rollout kit`);
  });

  it('leaves nothing when the machine is ejected', async () => {
    await operator.must('rollout', 'kit', '--policy', 'machines', '--yes');
    expect(await kit(machine)).toBe(current);
    await operator.must('node', 'eject', machine.id, '--yes');
    // The mount point of this machine's own state stays; nothing is in it.
    const left = await machine.sh(
      `find / -xdev -iname '*edgectl*' -not -path '/proc/*' -not -path '/sys/*' -not -path /var/lib/edgectl; find /run -iname '*edgectl*'
       ls -A /var/lib/edgectl; systemctl daemon-reload; systemctl list-unit-files 'edgectl*' --no-legend || true`,
    );
    expect(left).toBe('');
  });
});

/** The version of the kit that answers. */
async function kit(machine: Machine): Promise<string> {
  const answer = await machine.exec([entry, 'hello'], { input: '.\n' });
  return String((JSON.parse(answer.stdout.split('\n')[0] ?? '') as { kit?: string }).kit);
}

/** Waits until the new kit is on trial; fails when the rollout ends before. */
async function inTrial(machine: Machine, rollout: { ended: Promise<unknown>; output: () => string }): Promise<void> {
  let over = false;
  void rollout.ended.then(() => (over = true));
  const until = performance.now() + 180_000;
  while (!over && performance.now() < until) {
    const asked = await machine.exec(['grep', '-q', ' TRIAL ', '-r', '/run/edgectl/tx', '--include=journal']);
    if (asked.status === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${machine.id} never came to its trial:\n${rollout.output().slice(-4000)}`);
}
