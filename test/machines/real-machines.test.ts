import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/lab/machines/machine.js';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { openMachines } from '../../src/lab/machines/machines.js';
import { root } from '../helpers/cli.js';
import { firstMissing, PageShell, sectionsOf } from '../helpers/docs-page.js';
import { genuineNeed, runningVersions } from '../helpers/machines-genuine.js';
import { taskPid } from '../helpers/machines.js';

const need = await genuineNeed();
const page = await readFile(path.join(root, 'docs/tasks/real-machines.md'), 'utf8');

describe.skipIf(need.skip)('the page of the lab of real machines', () => {
  let home: string;
  let shell: PageShell;
  let lab: MachinesLab;
  let old: Record<string, string>;
  let pids: number[];
  let broken: string | undefined;

  beforeAll(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'edgectl-machines-page-'));
    const bin = path.join(home, 'bin');
    await mkdir(bin);
    const program = `#!/bin/sh\nexec '${process.execPath}' '${root}bin/run.js' "$@"\n`;
    await writeFile(path.join(bin, 'edgectl'), program);
    await chmod(path.join(bin, 'edgectl'), 0o755);
    shell = new PageShell(home, {
      PATH: `${bin}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
      HOME: home,
      // The base root is kept from one test to the next.
      XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'),
    });
  });
  afterAll(async () => {
    if (existsSync(labDir())) await shell.run('edgectl lab down');
    await rm(home, { recursive: true, force: true });
  });

  const labDir = (): string => path.join(home, '.local/state/edgectl/lab');
  const versions = (): Promise<Record<string, string>[]> => Promise.all(lab.nodes.map((node) => runningVersions(node)));
  const serves = async (machine: Machine): Promise<void> => {
    const answer = await fetch(`http://${machine.address}:8080/`, { headers: { connection: 'close' } });
    expect(await answer.text()).toBe(`serving from ${machine.id}\n`);
  };

  /** What the page cannot see, after its sections. */
  const after: Record<string, () => Promise<void>> = {
    'Bring it up': async () => {
      lab = await openMachines(path.join(labDir(), 'machines'));
      [old = {}] = await versions();
      pids = await Promise.all(lab.nodes.map((node) => taskPid(node)));
      await Promise.all(lab.nodes.map(serves));
    },
    'Roll out': async () => {
      lab = await openMachines(path.join(labDir(), 'machines'));
      // The third one's container was started anew by the newer shim, which the older containerd cannot take over.
      for (const [n, node] of lab.nodes.slice(0, 2).entries()) {
        expect(await taskPid(node)).toBe(pids[n]);
        await serves(node);
      }
      for (const now of await versions()) expect(now).toEqual(old);
    },
    'Watch one go back by itself': async () => {
      const machine = lab.node('edge-002');
      expect(await runningVersions(machine)).toEqual(old);
      expect(await taskPid(machine)).toBe(pids[1]);
      expect(await machine.sh('systemctl is-active containerd')).toBe('active\n');
    },
    'Take it down': () => {
      expect(existsSync(labDir())).toBe(false);
      expect(existsSync(`/sys/class/net/${lab.record.bridge}`)).toBe(false);
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(home);
      return Promise.resolve();
    },
  };
  /** Between two steps of a section: what the machines are then. */
  const between: Record<string, () => Promise<void>> = {
    'edgectl rollout runtime --canary 5% --policy rehearsal --yes': async () => {
      for (const now of await versions()) {
        for (const [component, version] of Object.entries(old)) expect(now[component]).not.toBe(version);
      }
      for (const [n, node] of lab.nodes.entries()) expect(await taskPid(node)).toBe(pids[n]);
    },
    'edgectl lab break edge-003 --how power-cut': async () => {
      lab = await openMachines(path.join(labDir(), 'machines'));
      for (const now of await versions()) expect(now['containerd']).not.toBe(old['containerd']);
      await serves(lab.node('edge-003'));
    },
  };

  it.each(sectionsOf(page))('$title', async ({ title, steps }) => {
    if (broken !== undefined) throw new Error(`the page stopped at “${broken}”`);
    broken = title;
    for (const { commands, expected } of steps) {
      const { status, output } = await shell.run(commands);
      expect(status, `${commands}\n${output}`).toBe(0);
      expect(firstMissing(output, expected), output).toBeUndefined();
      await between[commands.trim()]?.();
    }
    await after[title]?.();
    broken = undefined;
  });

  it('has checks for what is there', () => {
    const sections = sectionsOf(page);
    expect(sections.map(({ title }) => title)).toEqual(expect.arrayContaining(Object.keys(after)));
    const commands = sections.flatMap(({ steps }) => steps.map((step) => step.commands.trim()));
    expect(commands).toEqual(expect.arrayContaining(Object.keys(between)));
  });
});
