import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import FleetCheck from '../../../src/commands/fleet/check.js';
import FleetList from '../../../src/commands/fleet/list.js';
import FleetShow from '../../../src/commands/fleet/show.js';
import Init from '../../../src/commands/init.js';
import { uncomment } from '../../../src/fleet/init.js';
import type { CliOutcome, CommandClass } from '../../helpers/cli.js';
import { runInProcess } from '../../helpers/cli.js';

const exec = promisify(execFile);
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'edgectl-fleet-'));
});
afterEach(async () => rm(dir, { recursive: true }));

/** Runs a command from the sources, in the test's own directory. */
async function run(command: unknown, id: string, argv: string[]): Promise<CliOutcome> {
  return runInProcess(Object.assign(command as CommandClass, { id }), argv, { cwd: dir, columns: 120 });
}
const init = (...argv: string[]): Promise<CliOutcome> => run(Init, 'init', argv);
const list = (...argv: string[]): Promise<CliOutcome> => run(FleetList, 'fleet:list', argv);
const show = (...argv: string[]): Promise<CliOutcome> => run(FleetShow, 'fleet:show', argv);
const check = (...argv: string[]): Promise<CliOutcome> => run(FleetCheck, 'fleet:check', argv);

/** A fleet repository with the templates' examples in force. */
async function exampleFleet(): Promise<void> {
  await init();
  for (const file of ['fleet.yaml', 'runtimes.yaml', 'policies/careful.yaml']) {
    await writeFile(path.join(dir, file), uncomment(await readFile(path.join(dir, file), 'utf8')));
  }
}

function parsed(outcome: CliOutcome): Record<string, unknown> {
  return JSON.parse(outcome.stdout) as Record<string, unknown>;
}

describe('edgectl init', () => {
  it('writes a repository that edgectl fleet check finds nothing wrong with, and says what comes next', async () => {
    const made = await init('--name', 'acme-retail');
    expect(made.exitCode).toBe(0);
    expect(made.stdout).toContain('Fleet acme-retail (0');
    expect(made.stdout).toContain('edgectl keys init');
    const checked = await check('--strict');
    expect(checked).toMatchObject({ exitCode: 0, stderr: '' });
    expect(checked.stdout).toContain(
      'acme-retail: 0 nodes, 0 runtimes, policies default, rehearsal, careful; no findings',
    );
  });

  it('refuses where a fleet is already, and leaves it as it is', async () => {
    await init('sub', '--name', 'one');
    const before = await readFile(path.join(dir, 'sub/fleet.yaml'), 'utf8');
    const again = await init('sub', '--name', 'two', '--json');
    expect(again.exitCode).toBe(64);
    expect(parsed(again)).toMatchObject({ error: { code: 'CONFIG_INVALID' } });
    expect(await readFile(path.join(dir, 'sub/fleet.yaml'), 'utf8')).toBe(before);
  });

  it('keeps private keys out of git, and public ones in', async () => {
    await init();
    await exec('git', ['init', '--quiet', dir]);
    await mkdir(path.join(dir, 'keys'), { recursive: true });
    for (const file of ['keys/ops', 'keys/ops.pub', 'id_ed25519', 'id_ed25519.pub', 'x.pem', 'a.plan.json']) {
      await writeFile(path.join(dir, file), 'x');
    }
    const { stdout } = await exec('git', ['-C', dir, 'ls-files', '--others', '--exclude-standard']);
    expect(stdout.trim().split('\n').sort()).toEqual([
      '.gitignore',
      'fleet.yaml',
      'id_ed25519.pub',
      'keys/README.md',
      'keys/ops.pub',
      'known_hosts',
      'policies/careful.yaml',
      'runtimes.yaml',
      'trust/allowed_signers',
    ]);
  });

  it('refuses a name that cannot be one', async () => {
    expect((await init('--name', 'a b')).exitCode).toBe(64);
  });
});

describe('edgectl fleet', () => {
  it('lists what a selector matches, as a table, as names and as JSON', async () => {
    await exampleFleet();
    const table = await list('--on', 'site=osaka');
    expect(table.stdout.split('\n')[0]).toMatch(/^node +address +site +region +state +labels$/);
    expect(table.stdout).toContain('pos-osaka-002  10.40.1.12');
    expect(table.stdout).toContain('· 2 of 5 nodes');
    expect((await list('--on', 'role=pos', '-o', 'name')).stdout).toBe(
      'pos-berlin-001\npos-berlin-002\npos-osaka-001\n',
    );
    expect(parsed(await list('--on', 'gw-*', '--json'))).toMatchObject({
      result: {
        nodes: [{ id: 'gw-berlin', wariness: 0.5, region: 'emea', labels: { role: 'gateway', tz: 'Europe/Berlin' } }],
      },
    });
  });

  it('points at the character of a selector that cannot be read, with 64', async () => {
    await exampleFleet();
    const shown = await list('--on', 'site=berlin and (');
    expect(shown.exitCode).toBe(64);
    expect(shown.stderr).toContain(`    site=berlin and (\n    ${' '.repeat(17)}^`);
    expect(shown.stdout).toBe('');
  });

  it('shows how a node is reached and what it shall run, and knows a typing error', async () => {
    await exampleFleet();
    const shown = await show('pos-osaka-001');
    expect(shown.stdout).toMatch(/reached at +ops@2001:db8:7::11 port 2222/);
    expect(shown.stdout).toMatch(/containerd +2\.1\.9 +role=pos and not state=drained/);
    const wrong = await show('pos-osaka-01');
    expect(wrong.exitCode).toBe(64);
    expect(wrong.stderr).toContain('did you mean “pos-osaka-001”?');
  });

  it('checks every file: errors with places and 64, findings with 1, warnings with 0 unless strict', async () => {
    await exampleFleet();
    const warned = await check();
    expect(warned.exitCode).toBe(0);
    expect(warned.stdout).toContain('policies/careful.yaml: stage “canary”: no node is in it (ring=early)');
    expect((await check('--strict')).exitCode).toBe(1);

    await writeFile(path.join(dir, 'keys/ops'), '-----BEGIN OPENSSH PRIVATE KEY-----\n');
    const found = await check('--json');
    expect(found.exitCode).toBe(1);
    expect(parsed(found)).toMatchObject({
      exitCode: 1,
      result: { errors: 1, findings: [{ rule: 'private-key', file: 'keys/ops' }, {}] },
    });

    const file = path.join(dir, 'fleet.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace('port: 2222', 'prot: 2222'));
    const broken = await check();
    expect(broken.exitCode).toBe(64);
    expect(broken.stderr).toMatch(
      /fleet\.yaml:\d+:5: nodes\.pos-osaka-001: “prot” is not known here; did you mean “port”\?/,
    );
  });

  it('says that there is no fleet here, with 64', async () => {
    const shown = await list('--json');
    expect(shown.exitCode).toBe(64);
    expect(parsed(shown)).toMatchObject({ error: { code: 'CONFIG_NOT_FOUND' } });
  });
});
