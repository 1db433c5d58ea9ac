import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import NodeDoctor from '../../../src/commands/node/doctor.js';
import { writeFleet } from '../../helpers/fleet-repo.js';
import { requires } from '../../helpers/requires.js';
import { runCommand } from '../../helpers/run-command.js';
import { freePort, makeKey, startSshd, type TestSshd } from '../../helpers/sshd.js';

const need = requires('sshd');

describe.skipIf(need.skip)('the doctor', () => {
  let sshd: TestSshd;
  const fleets: string[] = [];

  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());
  afterEach(() => {
    for (const dir of fleets.splice(0)) rmSync(dir, { recursive: true, force: true });
  });

  interface Case {
    address?: string;
    port?: number;
    identity?: string[];
    known?: string;
  }
  const examine = async (given: Case) => {
    const fleet = writeFleet({
      n1: {
        address: given.address ?? '127.0.0.1',
        port: given.port ?? sshd.port,
        user: sshd.user,
        identity: given.identity ?? [sshd.userKey.path],
      },
    });
    fleets.push(fleet);
    writeFileSync(join(fleet, 'known_hosts'), given.known ?? `n1 ${sshd.hostKeys[0]?.line}\n`);
    const run = await runCommand(NodeDoctor, 'node:doctor', ['n1', '--json'], { cwd: fleet });
    const { result } = JSON.parse(run.stdout) as { result: { checks: { id: string; state: string; hint?: string }[] } };
    const bad = result.checks.find(({ state }) => state === 'bad');
    const good = result.checks.filter(({ state }) => state === 'ok').map(({ id }) => id);
    return { exitCode: run.exitCode, bad: bad?.id, hint: bad?.hint ?? '', good };
  };

  it('names the name that does not resolve', async () => {
    expect(await examine({ address: 'no-such-node.invalid' })).toMatchObject({ exitCode: 3, bad: 'dns', good: [] });
  });

  it('names the port where nothing listens', async () => {
    const found = await examine({ port: await freePort() });
    expect(found).toMatchObject({ exitCode: 3, bad: 'tcp', good: ['dns'] });
    expect(found.hint).toContain('start sshd');
  });

  it('names the host key, and gives the command for a node that was never trusted', async () => {
    const unknown = await examine({ known: '' });
    expect(unknown).toMatchObject({
      exitCode: 4,
      bad: 'host-key',
      good: ['dns', 'tcp', 'sshd'],
      hint: 'edgectl node trust n1',
    });
    const other = makeKey(join(sshd.dir, 'another'));
    const changed = await examine({ known: `n1 ${other.line}\n` });
    expect(changed).toMatchObject({ exitCode: 4, bad: 'host-key' });
    expect(changed.hint).toContain('edgectl node trust n1 --replace');
  });

  it('names the login that is rejected', async () => {
    const stranger = makeKey(join(sshd.dir, 'stranger'));
    const found = await examine({ identity: [stranger.path] });
    expect(found).toMatchObject({ exitCode: 4, bad: 'auth', good: ['dns', 'tcp', 'sshd', 'host-key'] });
  });

  it('names the missing kit (or the missing sudo) and says how to prepare the node', async () => {
    const found = await examine({});
    expect(found.exitCode).toBe(4);
    expect(['kit', 'sudo']).toContain(found.bad);
    expect(found.hint).toContain('edgectl node prepare n1');
  });
});
