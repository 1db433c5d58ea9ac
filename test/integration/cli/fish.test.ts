import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, runCli } from '../../helpers/cli.js';
import { requires } from '../../helpers/requires.js';

describe.skipIf(requires('fish').skip)('completion in a real fish', () => {
  let home: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'edgectl-fish-'));
    await writeFile(join(home, 'edgectl'), `#!/bin/sh\nexec '${process.execPath}' '${root}bin/run.js' "$@"\n`, {
      mode: 0o755,
    });
    const { stdout, exitCode } = await runCli(['completion', 'fish'], { env: { HOME: home } });
    expect(exitCode).toBe(0);
    await writeFile(join(home, 'edgectl.fish'), stdout);
    await runCli(['init', 'fleet'], { cwd: home, env: { HOME: home } });
    const file = join(home, 'fleet/fleet.yaml');
    const text = (await readFile(file, 'utf8')).replace(/^nodes:[^]*$/mu, '');
    await writeFile(file, `${text}\nnodes:\n  pos-one: { address: 192.0.2.1 }\n  pos-two: { address: 192.0.2.2 }\n`);
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  const complete = async (line: string): Promise<string[]> => {
    const env = {
      HOME: home,
      PATH: `${home}:${process.env['PATH'] ?? ''}`,
      EDGECTL_FLEET: join(home, 'fleet'),
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_DATA_HOME: join(home, 'data'),
    };
    const script = `source ${join(home, 'edgectl.fish')}; complete -C '${line}'`;
    const { stdout } = await promisify(execFile)('fish', ['--no-config', '-c', script], { env });
    return stdout
      .split('\n')
      .filter((found) => found !== '')
      .map((found) => found.split('\t')[0] ?? '');
  };

  it('offers topics and commands at the beginning, and what a topic holds behind it', async () => {
    expect(await complete('edgectl ')).toEqual(expect.arrayContaining(['rollout', 'run', 'doctor', 'apply']));
    expect(await complete('edgectl rollout ')).toEqual(expect.arrayContaining(['runtime', 'kit']));
    expect(await complete('edgectl run re')).toEqual(['resume']);
  });

  it('offers the flags of the command, and the values that a flag can have', async () => {
    expect(await complete('edgectl rollout runtime --can')).toEqual(['--canary']);
    expect(await complete('edgectl node doctor --can')).toEqual([]);
    expect(await complete('edgectl lab break pos-one --how fl')).toEqual(expect.arrayContaining(['flaky', 'flood']));
  });

  it('asks edgectl for names of nodes', async () => {
    expect(await complete('edgectl node doctor pos-t')).toEqual(['pos-two']);
  });
});
