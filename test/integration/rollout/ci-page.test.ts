import { spawn } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { root } from '../../helpers/cli.js';
import { labFleet, type LabFleet } from '../../helpers/lab-fleet.js';
import { requires } from '../../helpers/requires.js';

interface Github {
  jobs: Record<string, { steps: { run?: string }[] }>;
}
type Gitlab = Record<string, { script?: string[] }>;

describe.skipIf(requires('ssh-keygen', 'git').skip)('docs/tasks/ci.md, with its workflows carried out', () => {
  let fleet: LabFleet;
  let away: string;
  let github: Github;
  let gitlab: Gitlab;
  let again: string;

  beforeAll(async () => {
    const page = await readFile(`${root}docs/tasks/ci.md`, 'utf8');
    const blocks = [...page.matchAll(/^```(?<kind>yaml|sh)\n(?<body>[^]*?)^```$/gmu)];
    const texts = blocks.map((block) => block.groups?.['body'] ?? '');
    github = parse(texts[0] ?? '') as Github;
    gitlab = parse(texts[1] ?? '') as Gitlab;
    again = texts[2] ?? '';
    fleet = await labFleet(4);
    away = Object.keys(await fleet.versions()).at(-1) ?? '';
    await mkdir(join(fleet.home, 'bin'));
    const program = join(fleet.home, 'bin/edgectl');
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${root}bin/run.js' "$@"\n`);
    await chmod(program, 0o755);
  });
  afterAll(async () => fleet?.close());

  /** Runs shell as one runner would; `apply` jobs have another journal and no signing key. */
  async function job(machine: string, shell: string): Promise<{ status: number | null; output: string }> {
    const own = { XDG_STATE_HOME: join(fleet.home, machine), XDG_CONFIG_HOME: join(fleet.home, machine, 'config') };
    const env = {
      ...fleet.env,
      PATH: `${join(fleet.home, 'bin')}:${process.env['PATH']}`,
      EDGECTL_POLICY: 'quick',
      ...(machine === 'plan' ? {} : own),
    };
    const child = spawn('sh', ['-e', '-c', shell], { cwd: fleet.dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { status, output };
  }
  const githubJob = (name: string): string =>
    (github.jobs[name]?.steps ?? []).flatMap(({ run }) => (run === undefined ? [] : [run])).join('\n');
  const gitlabJob = (name: string): string => (gitlab[name]?.script ?? []).join('\n');
  const good = { status: 0, output: expect.any(String) as string };

  it('checks, plans on one machine, and applies on another that holds no signing key, with one node away', async () => {
    await fleet.want('1.1.0');
    await fleet.edgectl('lab', 'break', away, '--how', 'offline');
    expect(githubJob('check')).toContain('fleet check');
    expect(await job('plan', githubJob('check'))).toEqual(good);
    expect(await job('plan', githubJob('plan'))).toEqual(good);
    const applied = await job('apply', githubJob('apply'));
    expect(applied).toEqual(good);
    expect(applied.output).toContain(`::warning title=deferred%3A ${away}`);
    expect(await readFile(join(fleet.dir, 'rollout.xml'), 'utf8')).toContain(`name="${away}"`);
    // The control: without a signing key no plan can be made there.
    const unsigned = await job('apply', 'edgectl rollout runtime --out other.json');
    expect([unsigned.status, unsigned.output]).toEqual([64, expect.stringContaining('KEYS_NOT_FOUND')]);
  });

  it('catches the node up from a third machine that never saw the run', async () => {
    await fleet.edgectl('lab', 'heal', away);
    expect(await job('later', again)).toEqual(good);
    expect(new Set(Object.values(await fleet.versions()))).toEqual(new Set(['1.1.0']));
  });

  it('does the same for GitLab', async () => {
    await fleet.want('1.2.0');
    for (const name of ['check', 'plan']) expect([name, await job('plan', gitlabJob(name))]).toEqual([name, good]);
    expect(await job('runner', gitlabJob('apply'))).toEqual(good);
    expect(new Set(Object.values(await fleet.versions()))).toEqual(new Set(['1.2.0']));
  });
});
