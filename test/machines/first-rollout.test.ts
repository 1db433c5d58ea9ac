import { chmod, copyFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/lab/machines/machine.js';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { root } from '../helpers/cli.js';
import { fetchDeb } from '../helpers/debs.js';
import { firstMissing, PageShell, sectionsOf } from '../helpers/docs-page.js';
import { containerdDeb, genuineNeed, runningVersions } from '../helpers/machines-genuine.js';
import type { ServingContainer } from '../helpers/machines.js';
import { poll, startServing, taskPid, testMachines } from '../helpers/machines.js';

const need = await genuineNeed();
const page = await readFile(path.join(root, 'docs/tasks/first-rollout.md'), 'utf8');

describe.skipIf(need.skip)('the page of the first rollout, on two bare machines', () => {
  let lab: MachinesLab;
  let shell: PageShell;
  let old: Record<string, string>;
  let watched: { machine: Machine; container: ServingContainer; poller: ReturnType<typeof poll> }[];
  let broken: string | undefined;

  beforeAll(async () => {
    lab = await testMachines({ count: 2, prefix: 'bare' });
    shell = await personAtAShell(lab);
  });
  afterAll(() => lab.stop());

  const keptServing = async (): Promise<void> => {
    for (const { machine, container } of watched) {
      const now = await taskPid(machine).catch((error: unknown) => String(error));
      expect(now, await whatContainerdSaid(machine)).toBe(container.pid);
    }
  };
  const versions = (): Promise<Record<string, string>[]> => Promise.all(lab.nodes.map((node) => runningVersions(node)));

  /** What the page cannot see, before and after its sections. */
  const before: Record<string, () => Promise<void>> = {
    'Pack the new builds': async () => {
      const debs = path.join(lab.dir, 'person/shops/debs');
      await mkdir(debs);
      for (const file of [await containerdDeb(), await fetchDeb({ package: 'runc', suite: 'sid' })])
        await copyFile(file, path.join(debs, path.basename(file)));
    },
    'Roll out': async () => {
      [old = {}] = await versions();
      const serve = async (machine: Machine) => {
        const container = await startServing(machine);
        return { machine, container, poller: poll(container) };
      };
      watched = await Promise.all(lab.nodes.map(serve));
    },
  };
  const after: Record<string, () => Promise<void>> = {
    'Prepare the machines': async () => {
      for (const node of lab.nodes) {
        const rules = await node.sh('sudo -l -U edgectl');
        expect(rules).toContain('(root) NOPASSWD: /usr/local/sbin/edgectl-node hello');
        expect(rules).not.toContain('NOPASSWD: ALL');
        expect(await node.sh('systemctl show -p NRestarts,ActiveState --value containerd')).toBe('0\nactive\n');
      }
    },
    'Roll out': async () => {
      for (const now of await versions()) {
        expect(now['containerd']).toMatch(/^2\./u);
        expect(now['runc']).not.toBe(old['runc']);
        expect(now['containerd-shim']).toBe(now['containerd']);
      }
      await keptServing();
    },
    'Take it back': async () => {
      for (const now of await versions()) expect(now).toEqual(old);
      await keptServing();
    },
    'Give the machines back': async () => {
      for (const now of await versions()) expect(now).toEqual(old);
      await keptServing();
      for (const { machine, poller } of watched) {
        const report = await poller.stop();
        expect(report.failures).toEqual([]);
        expect(report.answered).toBeGreaterThan(50);
        expect(await leftOvers(machine)).toBe('');
        expect(await machine.sh('systemctl is-system-running')).toBe('running\n');
      }
    },
  };

  it.each(sectionsOf(page))('$title', async ({ title, steps }) => {
    if (broken !== undefined) throw new Error(`the page stopped at “${broken}”`);
    broken = title;
    await before[title]?.();
    for (const { commands, expected } of steps) {
      const { status, output } = await shell.run(commands);
      expect(status, `${commands}\n${output}`).toBe(0);
      expect(firstMissing(output, expected), output).toBeUndefined();
      for (const line of output.split('\n')) expect(line).not.toMatch(/undefined|\[object|INTERNAL/u);
    }
    await after[title]?.();
    broken = undefined;
  });

  it('has checks for sections that are there', () => {
    const titles = sectionsOf(page).map(({ title }) => title);
    expect(titles).toEqual(expect.arrayContaining([...Object.keys(before), ...Object.keys(after)]));
  });
});

/** A home with the key that root on the machines knows, `edgectl` on the PATH, and the two variables that the page asks for. */
async function personAtAShell(lab: MachinesLab): Promise<PageShell> {
  const home = path.join(lab.dir, 'person');
  const bin = path.join(home, 'bin');
  await mkdir(path.join(home, '.ssh'), { recursive: true, mode: 0o700 });
  await mkdir(bin);
  for (const end of ['', '.pub']) await cp(`${lab.identityFile}${end}`, path.join(home, `.ssh/id_ed25519${end}`));
  const program = `#!/bin/sh\nexec '${process.execPath}' '${root}bin/run.js' "$@"\n`;
  await writeFile(path.join(bin, 'edgectl'), program);
  await chmod(path.join(bin, 'edgectl'), 0o755);
  const [first, second] = lab.nodes;
  const xdg = ['CONFIG', 'STATE', 'DATA', 'CACHE'].map((name) => [
    `XDG_${name}_HOME`,
    path.join(home, name.toLowerCase()),
  ]);
  return new PageShell(home, {
    PATH: `${bin}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
    HOME: home,
    SHOP_1: first?.address ?? '',
    SHOP_2: second?.address ?? '',
    ...Object.fromEntries(xdg),
  });
}

/** Why a task may be gone. */
function whatContainerdSaid(machine: Machine): Promise<string> {
  return machine.sh(
    `uptime; ctr task ls; journalctl -u containerd --no-pager | grep -iE 'shim|clean|dead' | cut -c1-300 | tail -20`,
  );
}

/**
 * Everything on a machine that speaks of edgectl. The backup copies of the user database are the system's own, and under
 * cgroup v1 systemd may remember the name of a unit that is not there any more (`not-found`) until its next start.
 */
function leftOvers(machine: Machine): Promise<string> {
  return machine.sh(
    `find / -xdev -iname '*edgectl*' -not -path '/proc/*'
     find /run /tmp /var/tmp -iname '*edgectl*'
     grep -rl edgectl /etc /usr/lib/systemd /var/spool 2>/dev/null | grep -v -e '^/etc/.*-$' || true
     ls -A /home
     systemctl daemon-reload
     systemctl list-units --all --no-legend 'edgectl*' | grep -v ' not-found ' || true
     systemctl list-unit-files --no-legend 'edgectl*'
     systemctl show -p DropInPaths --value containerd | grep . || true
     ps -e -o comm= | grep edgectl || true`,
  );
}
