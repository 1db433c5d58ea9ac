import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { openMachines } from '../../src/lab/machines/machines.js';
import { greets } from '../../src/lab/machines/ssh-banner.js';
import { machinesNeed, poll, startServing, taskPid, testMachines } from '../helpers/machines.js';

describe.skipIf(machinesNeed.skip)('a lab of real machines', () => {
  let lab: MachinesLab;
  beforeAll(async () => {
    lab = await testMachines({ count: 2, stateImageMiB: 64 });
  });
  afterAll(async () => {
    const { bridge } = lab.record;
    const devices = lab.record.nodes.map((node) => node.image?.device ?? '');
    await lab.stop();
    expect(existsSync(lab.dir)).toBe(false);
    expect(existsSync(`/sys/class/net/${bridge}`)).toBe(false);
    const loops = execFileSync('losetup', ['--all', '--output', 'BACK-FILE'], { encoding: 'utf8' });
    expect(loops).not.toContain(lab.dir);
    expect(devices).not.toContain('');
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(lab.dir);
  });

  it('boots machines that run systemd and a genuine containerd, and hold nothing of edgectl', async () => {
    for (const node of lab.nodes) {
      expect(await node.sh('cat /proc/1/comm')).toBe('systemd\n');
      expect(await node.sh('systemctl is-active containerd ssh')).toBe('active\nactive\n');
      expect(await node.sh('containerd --version')).toContain('github.com/containerd/containerd');
      expect(await node.sh('find / -xdev -iname "*edgectl*" -not -path "/proc/*"')).toBe('/var/lib/edgectl\n');
    }
  });

  it('lets root in over SSH with the lab’s key, and shows the host key that it recorded', async () => {
    const [node] = lab.nodes;
    const known = path.join(lab.dir, 'known_hosts');
    execFileSync('sh', ['-c', `printf '%s %s\\n' '${node?.address}' '${node?.record.hostKey}' > ${known}`]);
    const out = execFileSync(
      'ssh',
      [
        '-i',
        lab.identityFile,
        '-o',
        `UserKnownHostsFile=${known}`,
        '-o',
        'StrictHostKeyChecking=yes',
        '-o',
        'BatchMode=yes',
        `root@${node?.address}`,
        'hostname; id -u',
      ],
      { encoding: 'utf8' },
    );
    expect(out).toBe(`${node?.id}\n0\n`);
  });

  it('keeps a container serving through a restart of containerd, with its pid', async () => {
    const node = lab.node('edge-001');
    const container = await startServing(node);
    const poller = poll(container);
    await node.sh('systemctl restart containerd');
    expect(await taskPid(node)).toBe(container.pid);
    const report = await poller.stop();
    expect(report.failures).toEqual([]);
    expect(report.answered).toBeGreaterThan(0);
  });

  it('loses in a power cut what was not synced, and only that', async () => {
    const node = lab.node('edge-002');
    await node.sh('cd /var/lib/edgectl && echo kept > synced && sync -f . && echo lost > unsynced');
    const before = await node.sh('cat /proc/sys/kernel/random/boot_id');
    await node.powerCut();
    expect(await node.isUp()).toBe(false);
    await node.boot();
    expect(await node.sh('cat /proc/sys/kernel/random/boot_id')).not.toBe(before);
    expect(await node.sh('ls /var/lib/edgectl | grep -v lost+found; cat /var/lib/edgectl/synced')).toBe(
      'synced\nkept\n',
    );
  });

  it('keeps everything over a clean shutdown', async () => {
    const node = lab.node('edge-002');
    await node.sh('echo kept > /var/lib/edgectl/unsynced');
    await node.powerOff();
    expect(await greets(node.address, 1000)).toBe(false);
    await node.boot();
    expect(await node.sh('cat /var/lib/edgectl/unsynced')).toBe('kept\n');
  });

  it('cuts the cable, swallows packets and hangs sshd, each to be undone', async () => {
    const node = lab.node('edge-002');
    const breaks = [
      [() => node.partition(), () => node.reconnect()],
      [() => node.blackHole(), () => node.reconnect()],
      [() => node.hangSshd(), () => node.resumeSshd()],
    ] as const;
    for (const [damage, repair] of breaks) {
      await damage();
      expect(await greets(node.address, 500)).toBe(false);
      expect(await node.sh('hostname')).toBe('edge-002\n');
      await repair();
      expect(await greets(node.address, 5000)).toBe(true);
    }
  });

  it('is found again by another process through its state file', async () => {
    const again = await openMachines(lab.dir);
    expect(again.nodes.map((node) => node.id)).toEqual(['edge-001', 'edge-002']);
    expect(await again.node('edge-001').sh('hostname')).toBe('edge-001\n');
  });
});
