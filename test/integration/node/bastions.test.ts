import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import NodeDoctor from '../../../src/commands/node/doctor.js';
import NodeExec from '../../../src/commands/node/exec.js';
import NodeTrust from '../../../src/commands/node/trust.js';
import { writeFleet } from '../../helpers/fleet-repo.js';
import { requires } from '../../helpers/requires.js';
import { runCommand, type CommandRun } from '../../helpers/run-command.js';
import { startSshd, type TestSshd } from '../../helpers/sshd.js';

const need = requires('sshd');

describe.skipIf(need.skip)('node commands behind a real bastion', () => {
  let node: TestSshd;
  let hop: TestSshd;
  let fleet: string;
  const known = (): string => readFileSync(join(fleet, 'known_hosts'), 'utf8');
  const run = (command: Parameters<typeof runCommand>[0], id: string, ...argv: string[]): Promise<CommandRun> =>
    runCommand(command, `node:${id}`, argv, { cwd: fleet });

  beforeAll(async () => {
    [node, hop] = await Promise.all([startSshd(), startSshd()]);
    fleet = writeFleet({});
    const place = (sshd: TestSshd) => ({
      address: '127.0.0.1',
      port: sshd.port,
      user: sshd.user,
      identity: [sshd.userKey.path],
    });
    const file = {
      id: '01JQZ0000000000000000TEST0',
      name: 'test',
      bastions: { 'hop-eu': place(hop) },
      defaults: { via: 'hop-eu' },
      nodes: { 'edge-001': place(node) },
    };
    writeFileSync(join(fleet, 'fleet.yaml'), stringify(file));
    writeFileSync(join(fleet, 'known_hosts'), '');
  });
  afterAll(async () => {
    await Promise.all([node.stop(), hop.stop()]);
    rmSync(fleet, { recursive: true, force: true });
  });

  it('says that it is the bastion that nobody trusts yet, and the command that doctor names repairs it', async () => {
    const asked = await run(NodeExec, 'exec', 'edge-001', '--json', '--', 'true');
    expect(asked.exitCode).toBe(4);
    expect(asked.stdout).toContain('bastion hop-eu');
    const doctor = await run(NodeDoctor, 'doctor', 'edge-001');
    expect(doctor.exitCode).toBe(4);
    expect(doctor.stdout).toContain('edgectl node trust --bastion hop-eu');
    expect(await run(NodeTrust, 'trust', '--bastion', 'hop-eu', '--yes')).toMatchObject({ exitCode: 0 });
    expect(known()).toBe(`hop-eu ${hop.hostKeys[0]?.line}\n`);
  });

  it('reads the node’s host keys through the bastion, then works there', async () => {
    expect(await run(NodeTrust, 'trust', 'edge-001', '--yes')).toMatchObject({ exitCode: 0 });
    expect(known()).toContain(`edge-001 ${node.hostKeys[0]?.line}\n`);
    const result = await run(NodeExec, 'exec', 'edge-001', '--json', '--', 'sh', '-c', 'echo "$SSH_CONNECTION"');
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain(` ${node.port}`);
  });

  it('names the bastions that there are when another is asked for', async () => {
    const result = await run(NodeTrust, 'trust', '--bastion', 'hop-us', '--yes');
    expect(result.exitCode).not.toBe(0);
    expect(result.stderr).toContain('there is hop-eu');
  });
});
