import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../helpers/cli.js';
import { writeFleet } from '../../helpers/fleet-repo.js';
import { requires } from '../../helpers/requires.js';
import { startSshd, type TestSshd } from '../../helpers/sshd.js';

interface Check {
  id: string;
  state: string;
  detail: string;
  hint?: string;
}

describe.skipIf(requires('sshd', 'ssh-keygen').skip)('a fleet’s own drivers', () => {
  let node: TestSshd;
  let fleet: string;
  let env: Record<string, string>;
  const driver = (name: string, more = '', probe = '--version') =>
    writeFileSync(
      join(fleet, 'drivers', `${name}.yaml`),
      `component: ${name}\nsummary: sh, in the place of ${name}\nclass: A\nfiles: [{ to: bin/${name}, from: [${name}], kind: elf }]\n` +
        `version: { probe: [/usr/bin/printf, '1.2'] }\nhealth: [[$ACTIVE/${name}/files/bin/${name}, ${probe}]]\n` +
        `adopt: [{ to: bin/${name}, from: [/usr/bin/no-such-program, /bin/true] }]\n${more}`,
    );

  beforeAll(async () => {
    node = await startSshd();
    fleet = writeFleet({
      n1: { address: '127.0.0.1', port: node.port, user: node.user, identity: [node.userKey.path] },
    });
    writeFileSync(join(fleet, 'known_hosts'), `n1 ${node.hostKeys[0]?.line}\n`);
    mkdirSync(join(fleet, 'drivers'));
    env = { EDGECTL_FLEET: fleet, HOME: node.dir };
  });
  afterAll(async () => {
    await node.stop();
    rmSync(fleet, { recursive: true, force: true });
  });

  const json = async (...argv: string[]) => {
    const { exitCode, stdout } = await runCli([...argv, '--json'], { env });
    const envelope = JSON.parse(stdout) as {
      result: { checks: Check[]; drivers: { driver: string; file: string; unproven: string | null }[] };
      error?: { code: string; message: string; hint: string };
    };
    return { exitCode, ...envelope };
  };

  it('replace edgectl’s of the same name, and are told where they are wrong', async () => {
    driver('crun');
    const { exitCode, result } = await json('runtime', 'driver', 'lint');
    expect(exitCode).toBe(0);
    const files = Object.fromEntries(result.drivers.map((one) => [one.driver, one.file]));
    expect(files['crun']).toBe(join(fleet, 'drivers/crun.yaml'));
    expect(files['runc']).toContain('templates/drivers/runc.yaml');
    driver('wrong', 'colour: red\n');
    const { exitCode: refused, error } = await json('runtime', 'driver', 'lint', join(fleet, 'drivers/wrong.yaml'));
    expect([refused, error?.code]).toEqual([64, 'DRIVER_INVALID']);
    rmSync(join(fleet, 'drivers/wrong.yaml'));
    expect((await json('runtime', 'driver', 'lint', 'nowhere.yaml')).error?.code).toBe('USAGE');
  });

  it('are tried on a node with what is installed there, changing nothing', async () => {
    const { exitCode, result } = await json('runtime', 'driver', 'test', 'n1', '--driver', 'crun');
    expect(result.checks.map(({ id, state }) => [id, state])).toEqual([
      ['adopt bin/crun', 'ok'],
      ['version', 'ok'],
      ['health 1', 'ok'],
    ]);
    expect(result.checks[2]?.detail).toContain('/bin/true --version');
    expect(exitCode).toBe(0);
  });

  it('that fit the node badly are told what is missing, and probes that stand on it are left out', async () => {
    driver('other');
    const file = join(fleet, 'drivers/other.yaml');
    execFileSync('sed', ['-i', 's#/bin/true#/usr/bin/nothing#', file]);
    const { exitCode, result } = await json('runtime', 'driver', 'test', 'n1', '--driver', 'other');
    expect(result.checks.map(({ id, state }) => [id, state])).toEqual([
      ['adopt bin/other', 'bad'],
      ['version', 'ok'],
      ['health 1', 'skipped'],
    ]);
    expect(exitCode).toBe(1);
    const { result: k3s } = await json('runtime', 'driver', 'test', 'n1', '--driver', 'k3s');
    expect(k3s.checks.at(-1)).toMatchObject({ id: 'service', state: 'bad' });
  });

  it('that nobody has rolled out are refused, by name and reason, until that is allowed', async () => {
    await runCli(['keys', 'init'], { env });
    const source = join(fleet, 'wasmtime');
    execFileSync('cp', ['/bin/true', source]);
    const pack = ['runtime', 'pack', source, '--driver', 'wasmtime', '--version', '30.0.0'];
    const refused = await json(...pack);
    expect([refused.exitCode, refused.error?.code]).toEqual([1, 'DRIVER_UNPROVEN']);
    expect(refused.error?.message).toContain('wasmtime is unproven');
    const allowed = await json(...pack, '--allow-unproven');
    expect(allowed.exitCode, JSON.stringify(allowed)).toBe(0);
  });
});
