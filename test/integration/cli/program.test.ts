import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, runCli } from '../../helpers/cli.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'edgectl-cli-'));
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

interface Setting {
  name: string;
  value: unknown;
  origin: string;
  where: string;
}

async function setting(
  name: string,
  options: { argv?: string[]; env?: Record<string, string>; cwd?: string },
): Promise<Setting | undefined> {
  const { stdout } = await runCli(['config', 'show', '--json', '--for', 'run list', ...(options.argv ?? [])], {
    cwd: options.cwd ?? dir,
    env: { XDG_CONFIG_HOME: join(dir, 'xdg'), ...options.env },
  });
  const { result } = JSON.parse(stdout) as { result: { settings: Setting[] } };
  return result.settings.find((one) => one.name === name);
}

describe('the program', () => {
  it('shows the examples of a command before its flags', async () => {
    const { exitCode, stdout } = await runCli(['rollout', 'runtime', '--help']);
    expect(exitCode).toBe(0);
    const headers = stdout.split('\n').filter((line) => /^[A-Z ]+$/.test(line));
    expect(headers).toEqual(['USAGE', 'EXAMPLES', 'ARGUMENTS', 'FLAGS', 'GLOBAL FLAGS', 'DESCRIPTION']);
  });

  it('says its version', async () => {
    const { exitCode, stdout } = await runCli(['--version']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^edgectl\/\d+\.\d+\.\d+ linux-\w+ node-v\d+/);
  });

  it('refuses a command that is not there with 64 and names the nearest, and never runs that one', async () => {
    const plain = await runCli(['run', 'lst']);
    expect(plain).toMatchObject({ exitCode: 64, stdout: '' });
    expect(plain.stderr).toContain('did you mean: edgectl run list');
    const json = await runCli(['run', 'lst', '--json']);
    expect(json).toMatchObject({ exitCode: 64, stderr: '' });
    expect(JSON.parse(json.stdout)).toMatchObject({ schema: 'edgectl/v1', error: { code: 'USAGE', exitCode: 64 } });
  });

  it('lives through a reader that goes away', async () => {
    const child = spawn(process.execPath, [`${root}bin/run.js`, 'config', 'show', '-o', 'json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    const stderr: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, Buffer.concat(stderr).toString()]).toEqual([0, '']);
  });

  it('says without a fleet repository where it looked', async () => {
    const { exitCode, stdout } = await runCli(['run', 'list', '--json'], { cwd: dir });
    expect(exitCode).toBe(64);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'CONFIG_NOT_FOUND', hint: expect.stringContaining('edgectl init') },
    });
  });

  it('writes the same envelope as YAML, and only rows as ndjson and names', async () => {
    const yaml = await runCli(['config', 'show', '-o', 'yaml']);
    expect(yaml.stdout).toMatch(/^schema: edgectl\/v1\n/);
    const rows = (await runCli(['config', 'show', '-o', 'ndjson'])).stdout.trimEnd().split('\n');
    expect(rows.map((row) => (JSON.parse(row) as Setting).name)).toContain('output');
    expect((await runCli(['config', 'show', '-o', 'name'])).stdout.split('\n')).toContain('output');
  });

  it('colours by FORCE_COLOR, and not with NO_COLOR or --no-color', async () => {
    const title = async (argv: string[], env: Record<string, string>): Promise<boolean> =>
      (await runCli(['config', 'show', ...argv], { env })).stdout.includes('\u001B[');
    expect(await title([], {})).toBe(false);
    expect(await title([], { FORCE_COLOR: '1' })).toBe(true);
    expect(await title([], { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
    expect(await title(['--no-color'], { FORCE_COLOR: '1' })).toBe(false);
  });
});

describe('settings', () => {
  beforeAll(async () => {
    await mkdir(join(dir, 'xdg/edgectl'), { recursive: true });
    await mkdir(join(dir, 'fleet/deep'), { recursive: true });
    await writeFile(
      join(dir, 'xdg/edgectl/config.yaml'),
      'defaults:\n  output: wide\ncommands:\n  run list:\n    limit: 7\n',
    );
    await writeFile(join(dir, 'fleet/fleet.yaml'), '');
    await writeFile(
      join(dir, 'fleet/edgectl.yaml'),
      'defaults:\n  output: name\n  yes: true\n  report: junit=none/such.xml\n',
    );
  });

  it('come from a flag, the environment, the project, the user, the default, in this order', async () => {
    const inside = join(dir, 'fleet/deep');
    const env = { EDGECTL_OUTPUT: 'json' };
    expect(await setting('output', { cwd: inside, env })).toMatchObject({
      value: 'json',
      origin: 'env',
      where: 'EDGECTL_OUTPUT',
    });
    expect(await setting('output', { cwd: inside })).toMatchObject({
      value: 'name',
      origin: 'project',
      where: join(dir, 'fleet/edgectl.yaml'),
    });
    expect(await setting('output', {})).toMatchObject({ value: 'wide', origin: 'user' });
    expect(await setting('limit', {})).toMatchObject({ value: 7, origin: 'user' });
    expect(await setting('debug', {})).toMatchObject({ origin: 'default' });
  });

  it('really decide: the project file makes a listing of names, a flag overrules it', async () => {
    const cwd = join(dir, 'fleet');
    expect((await runCli(['config', 'show'], { cwd })).stdout.split('\n')).toContain('no-color');
    expect((await runCli(['config', 'show', '-o', 'table'], { cwd })).stdout).toMatch(/^setting\s+value/);
  });

  it('may be one value where a flag takes several', async () => {
    const { exitCode, stdout } = await runCli(['resume', 'last', '--json'], { cwd: join(dir, 'fleet') });
    expect(exitCode).toBe(64);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'USAGE', message: expect.stringContaining('none/such.xml cannot be written') },
    });
  });

  it('never take consent from a file', async () => {
    expect(await setting('yes', { cwd: join(dir, 'fleet') })).toMatchObject({ origin: 'default' });
  });

  it('name the file and the key when a value does not fit', async () => {
    await mkdir(join(dir, 'bad/edgectl'), { recursive: true });
    await writeFile(join(dir, 'bad/edgectl/config.yaml'), 'defaults:\n  output: loud\n');
    const { exitCode, stdout } = await runCli(['run', 'list', '--json'], {
      cwd: dir,
      env: { XDG_CONFIG_HOME: join(dir, 'bad') },
    });
    expect(exitCode).toBe(64);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'CONFIG_INVALID', message: expect.stringContaining('output should be table, wide') },
    });
  });
});
