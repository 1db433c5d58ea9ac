import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { greets } from '../../src/lab/machines/ssh-banner.js';
import type { HealthPolicy } from '../../src/plan/types.js';
import type { TestBundle } from '../helpers/machines-authority.js';
import { Signer } from '../helpers/machines-authority.js';
import {
  components,
  containerdDeb,
  genuineBundles,
  genuineNeed,
  plain,
  runningVersions,
  wants,
} from '../helpers/machines-genuine.js';
import { KitOnMachine } from '../helpers/machines-kit.js';
import { prepareMachine } from '../helpers/machines-prepare.js';
import { poll, startServing, taskPid, testMachines } from '../helpers/machines.js';

const quick: HealthPolicy = { windowS: 4, passes: 3, capS: 40, confirmS: 40 };
const need = await genuineNeed();

describe.skipIf(need.skip)('the node kit under a real systemd, with genuine builds', () => {
  let lab: MachinesLab;
  let signer: Signer;
  let bundles: TestBundle[];

  beforeAll(async () => {
    lab = await testMachines({ count: 6 });
    signer = await Signer.create(lab.dir);
    bundles = await genuineBundles(signer);
    await Promise.all(lab.nodes.map((node) => prepareMachine(node, signer)));
  });
  afterAll(() => lab.stop());

  const plan = async (node: string, health = quick, only = bundles) => {
    const authority = (await signer.plan([node], { kind: 'update', health, want: wants(only) }))[node];
    if (authority === undefined) throw new Error(`no slice for ${node}`);
    return authority;
  };
  const newer = (): Record<string, string> =>
    Object.fromEntries(bundles.map(({ component, version }) => [component, plain(version)]));

  it('moves containerd, shim and runc together while a container keeps its pid and keeps serving, and goes back', async () => {
    const machine = lab.node('edge-001');
    const kit = new KitOnMachine(machine);
    const container = await startServing(machine);
    const old = await runningVersions(machine);
    const poller = poll(container);

    const authority = await plan(machine.id);
    const done = await kit.carryOut(authority, bundles);
    expect(done.state).toBe('COMMIT');
    expect(await runningVersions(machine)).toEqual(newer());
    expect(newer()).not.toEqual(old);
    expect(await taskPid(machine)).toBe(container.pid);

    // The new three work together for something new, too.
    const second = await startServing(machine, { name: 'second', port: 8081 });
    expect(await (await fetch(second.url)).text()).toBe('serving from edge-001\n');
    await machine.sh('ctr task rm -f second && ctr container rm second');

    const { committed } = await kit.generation();
    const adopted = await adoptedOf(kit, authority.run);
    const back = (await signer.plan([machine.id], { kind: 'rollback', health: quick, want: adopted }))[machine.id];
    expect((await kit.carryOut(back ?? authority, [])).state).toBe('COMMIT');
    expect((await kit.generation()).committed).toBeGreaterThan(committed);
    expect(await runningVersions(machine)).toEqual(old);
    expect(await taskPid(machine)).toBe(container.pid);
    const report = await poller.stop();
    expect(report.failures).toEqual([]);
    expect(report.answered).toBeGreaterThan(50);
  });

  it('reverts by itself when the new runtime crashes after seconds of health, and does not try it again', async () => {
    const machine = lab.node('edge-002');
    const kit = new KitOnMachine(machine);
    const container = await startServing(machine);
    const old = await runningVersions(machine);
    const bad = await signer.crashingContainerd(await containerdDeb(), 6);
    const authority = await plan(machine.id, { ...quick, windowS: 15, passes: 5 }, [bad]);
    await kit.prepareRun(authority, [bad]);
    const step = await kit.start(authority.run);
    const tx = await kit.reaches(authority.run, step, ['REVERTED']);
    expect(tx.why).toBe('crash');
    expect((await kit.generation()).trial).toBe(false);
    expect(await runningVersions(machine)).toEqual(old);
    expect(await taskPid(machine)).toBe(container.pid);
    expect(await machine.sh('systemctl is-active containerd')).toBe('active\n');
    expect(await machine.sh('ls /run/systemd/system/containerd.service.d 2>/dev/null || true')).toBe('');
    await kit.release(authority.run);

    const again = await plan(machine.id, quick, [bad]);
    await expect(kit.prepareRun(again, [bad])).rejects.toThrow(/DENIED/);
  });

  it('reverts alone when its network is cut in the trial, and tells so when it is back', async () => {
    const machine = lab.node('edge-003');
    const kit = new KitOnMachine(machine);
    const old = await runningVersions(machine);
    const authority = await plan(machine.id, { ...quick, capS: 12, confirmS: 4 });
    await kit.prepareRun(authority, bundles);
    const step = await kit.start(authority.run);
    await machine.partition();
    expect(await greets(machine.address, 500)).toBe(false);
    const tx = await kit.reaches(authority.run, step, ['REVERTED']);
    expect(tx.why).toBe('deadline');
    expect(await runningVersions(machine)).toEqual(old);
    await machine.reconnect();
    expect(await greets(machine.address, 5000)).toBe(true);
    const later = await kit.status(authority.run, step);
    expect([later.state, later.why]).toEqual(['REVERTED', 'deadline']);
  });

  it('keeps its dead-man through daemon-reload and daemon-reexec', async () => {
    const machine = lab.node('edge-004');
    const kit = new KitOnMachine(machine);
    const old = await runningVersions(machine);
    const authority = await plan(machine.id, { ...quick, windowS: 1, passes: 1, capS: 10, confirmS: 5 });
    await kit.prepareRun(authority, bundles);
    const step = await kit.start(authority.run);
    await kit.reaches(authority.run, step, ['AWAIT']);
    await machine.sh('systemctl daemon-reload && systemctl daemon-reexec');
    expect(await machine.sh('systemctl is-active edgectl-deadman.timer')).toBe('active\n');
    // With its runner stopped where it stands, the timer alone is left to act.
    await machine.sh('kill -STOP $(systemctl show -p MainPID --value edgectl-tx)');
    const tx = await kit.reaches(authority.run, step, ['REVERTED']);
    expect(tx.why).toBe('deadline');
    expect(await runningVersions(machine)).toEqual(old);
  });

  it('boots into the old version when someone reboots it in the trial, and stays there over another boot', async () => {
    const machine = lab.node('edge-005');
    const kit = new KitOnMachine(machine);
    const old = await runningVersions(machine);
    const authority = await plan(machine.id, { ...quick, windowS: 1, passes: 1 });
    await kit.prepareRun(authority, bundles);
    const step = await kit.start(authority.run);
    await kit.reaches(authority.run, step, ['AWAIT']);
    // The daemon of a trial finds the committed shim: what the newer one starts, the older daemon would lose on the way back.
    expect(await runningVersions(machine)).toEqual({ ...newer(), 'containerd-shim': old['containerd-shim'] });
    for (let boot = 1; boot <= 2; boot += 1) {
      await machine.powerOff();
      await machine.boot();
      const tx = await kit.status(authority.run, step);
      expect(tx.state).toBe('REVERTED');
      expect(['reboot', 'power']).toContain(tx.why);
      expect(await runningVersions(machine)).toEqual(old);
    }
    // A committed change, on the other hand, is what the next boot brings.
    const second = await plan(machine.id);
    expect((await kit.carryOut(second, bundles)).state).toBe('COMMIT');
    await machine.powerOff();
    await machine.boot();
    expect(await runningVersions(machine)).toEqual(newer());
  });

  it('gives the node back to its distribution on eject, with the container serving, and leaves nothing', async () => {
    const machine = lab.node('edge-006');
    const kit = new KitOnMachine(machine);
    const container = await startServing(machine);
    const old = await runningVersions(machine);
    expect((await kit.carryOut(await plan(machine.id), bundles)).state).toBe('COMMIT');
    const eject = (await signer.plan([machine.id], { kind: 'eject', health: quick }))[machine.id];
    if (eject === undefined) throw new Error('no slice');
    await kit.prepareRun(eject, [], { adopt: false });
    await kit.change('eject', { run: eject.run });
    expect(
      await machine.sh(
        'find / -xdev -iname "*edgectl*" -not -path "/proc/*" -not -path "/sys/*"; find /run -iname "*edgectl*"',
      ),
    ).toBe('');
    expect(await machine.sh('getent passwd edgectl || true')).toBe('');
    await machine.sh('systemctl daemon-reload');
    expect(
      await machine.sh(
        'systemctl list-unit-files "edgectl*" --no-legend; systemctl show -p DropInPaths --value containerd',
      ),
    ).toBe('\n');
    expect(await runningVersions(machine)).toEqual(old);
    expect(await machine.sh('readlink /proc/$(systemctl show -p MainPID --value containerd)/exe')).toBe(
      '/usr/bin/containerd\n',
    );
    expect(await taskPid(machine)).toBe(container.pid);
    expect(await (await fetch(container.url)).text()).toBe('serving from edge-006\n');
  });
});

/** Digests of what the first change adopted, by component, from the first generation. */
async function adoptedOf(kit: KitOnMachine, run: string): Promise<Record<string, { version: string; digest: string }>> {
  const lines = await kit.change('adopt', { run });
  expect(lines).toEqual([]);
  const found: Record<string, { version: string; digest: string }> = {};
  for (const component of components) {
    const info = await kit.machine.sh(`cat /var/lib/edgectl/store/${component}/0-adopted-*/info`);
    const fields = Object.fromEntries(
      info
        .trim()
        .split('\n')
        .map((line) => line.split('=')),
    );
    found[component] = { version: fields.version ?? '', digest: fields.digest ?? '' };
  }
  return found;
}
