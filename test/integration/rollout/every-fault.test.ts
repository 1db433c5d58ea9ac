import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { breakModes } from '../../../src/lab/control-protocol.js';
import { root } from '../../helpers/cli.js';
import { labFleet, type LabFleet } from '../../helpers/lab-fleet.js';
import { requires } from '../../helpers/requires.js';
import { until } from '../../helpers/until.js';

/* Every fault of `edgectl lab break`, in one rollout: its line in the summary, its code, and the next step, typed as it is printed. */

const policy = `rehearsal: true
health: { window: 20s, passes: 2, cap: 120s, confirm: 120s }
maxFailed: 20
stages:
  - name: everyone
    concurrency: 20
    budget: { groupBy: none, maxUnavailable: 20 }
    nodeDeadline: 480s
    progressDeadline: 600s
    gate: { success: 1%, minSample: 1, maxFailed: 20 }
    soak: 0s
ramp: { start: 20, factor: 2 }
`;

interface Group {
  state: string;
  why?: string;
  message: string;
  nodes: string[];
  next?: string;
}
/** State and code in the summary, and what the typed next step says. */
const expected: Record<string, { state: string; code: string; says: RegExp }> = {
  // Who is away when the plan is made has no code, only words.
  offline: { state: 'offline', code: '', says: /FAILED +tcp/ },
  hang: { state: 'offline', code: '', says: /FAILED +sshd/ },
  'full-disk': { state: 'failed', code: 'NO_SPACE', says: /FAILED +(?:node:)?disk/ },
  'read-only': { state: 'failed', code: 'READ_ONLY', says: /FAILED +node:writable/ },
  'bad-runtime': { state: 'rolled_back', code: 'crash', says: /lab-runtime\.service/ },
  'host-key-change': { state: 'refused', code: 'host-key-changed', says: /1 pinned/ },
  'clock-skew': { state: 'refused', code: 'EXPIRED', says: /clock: the clock differs by 6\d{7} s/ },
  flood: { state: 'failed', code: 'garbled', says: /larger than 1 MiB/ },
  liar: { state: 'refused', code: 'WRONG_NODE', says: /the kit says it is .*-liar/ },
};

describe.skipIf(requires('ssh-keygen').skip)('a rollout over nodes that are broken in every way', () => {
  let fleet: LabFleet;
  /** Node by fault. */
  const victim: Record<string, string> = {};
  let run: string;
  let groups: Group[];
  let screen: string;

  const shell = async (line: string): Promise<string> => {
    const child = spawn('sh', ['-c', line], {
      env: { ...fleet.env, PATH: `${join(fleet.home, 'bin')}:${process.env['PATH'] ?? ''}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await new Promise((resolve) => child.on('close', resolve));
    return output;
  };
  const groupOf = (node: string | undefined): Group | undefined =>
    groups.find(({ nodes }) => node !== undefined && nodes.includes(node));

  beforeAll(async () => {
    fleet = await labFleet(14, 3);
    await mkdir(join(fleet.home, 'bin'));
    await writeFile(
      join(fleet.home, 'bin/edgectl'),
      `#!/bin/sh\nexec '${process.execPath}' '${root}bin/run.js' "$@"\n`,
      { mode: 0o755 },
    );
    await writeFile(join(fleet.dir, 'policies', 'broken.yaml'), policy);
    const nodes = Object.keys(await fleet.versions());
    for (const [index, how] of breakModes.entries()) {
      const node = nodes[index] ?? '';
      victim[how] = node;
      if (how === 'power-cut') continue;
      const broken = await fleet.json('lab', 'break', node, '--how', how);
      expect(broken.exitCode, how).toBe(0);
      expect(broken.envelope.result.broken).toEqual([how]);
    }
    await fleet.want('1.1.0');
    const rollout = fleet.start('rollout', 'runtime', '--policy', 'broken', '--yes');
    await until(
      'the trial of the one whose power is cut has begun',
      () => rollout.stderr().includes(`${victim['power-cut']} in trial`),
      { within: 900_000 },
    );
    await fleet.json('lab', 'break', victim['power-cut'] ?? '', '--how', 'power-cut');
    await rollout.ended;
    screen = rollout.stdout();
    const status = await fleet.json('run', 'status', 'last');
    ({ run, groups } = status.envelope.result as unknown as { run: string; groups: Group[] });
  }, 900_000);
  afterAll(() => fleet.close());

  it.each(Object.entries(expected))('%s has a line and a code of its own', (how, { state, code }) => {
    const group = groupOf(victim[how]);
    const said = group?.why === group?.message ? '' : group?.why?.split(':')[0];
    expect({ state: group?.state, code: said }, JSON.stringify(groups)).toEqual({ state, code });
    expect(group?.nodes).toEqual([victim[how]]);
    expect(screen).toContain(victim[how]);
    if (code !== '') expect(screen).toContain(`(${code})`);
  });

  it.each(Object.entries(expected))(
    '%s: the next step, typed as it is printed, names the cause or removes it',
    async (how, { says }) => {
      const next = groupOf(victim[how])?.next ?? 'false';
      expect(next).toContain(victim[how]);
      // `node trust` asks a person; here nobody sits at a terminal.
      expect(await shell(next.includes(' trust ') ? `${next} --yes` : next)).toMatch(says);
    },
  );

  it('power-cut: the attempt is made again, the summary says why, and what it says to type shows what happened', async () => {
    const node = victim['power-cut'] ?? '';
    expect(groupOf(node)?.state, screen).toBe('succeeded');
    expect(screen).toMatch(new RegExp(`^ +again +.*${node}`, 'm'));
    const [next] = new RegExp(`edgectl run logs \\w+ ${node}`).exec(screen) ?? ['false'];
    expect(await shell(next)).toMatch(/power/);
  });

  it('slow: it comes through, and the doctor says what is slow about it', async () => {
    expect(groupOf(victim['slow'])?.state, JSON.stringify(groups)).toBe('succeeded');
    expect(await shell(`edgectl node doctor ${victim['slow']}`)).toMatch(/warning +link +an answer takes \d+\.\d s/);
  });

  it('flaky: it is deferred, or it comes through and the summary says how unsteady it was', () => {
    const group = groupOf(victim['flaky']);
    const noted = new RegExp(`^ +unsteady +.*${victim['flaky']}`, 'm').test(screen);
    if (group?.state === 'offline') {
      expect(group.why).toBe('closed');
      expect(screen).toMatch(/edgectl resume \w+ {2}\(closed\)/);
    } else expect({ state: group?.state, noted }, screen).toEqual({ state: 'succeeded', noted: true });
  });

  it('once every node is healed, the same run takes in who failed in it, and a new one who was refused before or denied the bundle', async () => {
    for (const node of Object.values(victim)) {
      const healed = await fleet.json('lab', 'heal', node);
      expect(healed.envelope.result.broken).toEqual([]);
    }
    // The bundle that crashed is denied there until somebody says otherwise, which is newer than the run.
    const undeny = await fleet.json('node', 'undeny', victim['bad-runtime'] ?? '', '--yes');
    expect(undeny.exitCode, JSON.stringify(undeny.envelope)).toBe(0);
    const again = ['full-disk', 'read-only', 'clock-skew', 'liar'].flatMap((how) => ['--retry', victim[how] ?? '']);
    await fleet.json('resume', run, ...again);
    const resumed = await fleet.json('run', 'status', run);
    const left = (resumed.envelope.result.groups as Group[]).filter(({ state }) => state !== 'succeeded');
    const before = [victim['host-key-change'], victim['flood'], victim['bad-runtime']].sort();
    expect(left.flatMap(({ nodes }) => nodes).sort(), JSON.stringify(left)).toEqual(before);
    const next = await fleet.json('rollout', 'runtime', '--policy', 'broken', '--yes');
    expect(next.exitCode, JSON.stringify(next.envelope)).toBe(0);
    expect(new Set(Object.values(await fleet.versions()))).toEqual(new Set(['1.1.0']));
  });
});
