import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { root, runCli } from '../../helpers/cli.js';
import { writeFleet } from '../../helpers/fleet-repo.js';
import { requires } from '../../helpers/requires.js';
import { freePort, makeKey, startSshd, type TestSshd } from '../../helpers/sshd.js';

describe.skipIf(requires('sshd', 'ssh', 'script').skip)('edgectl node shell', () => {
  let node: TestSshd;
  let hop: TestSshd;
  let fleet: string;

  beforeAll(async () => {
    [node, hop] = await Promise.all([startSshd(), startSshd()]);
    fleet = writeFleet({});
    const at = (port: number, more: object = {}) => ({ address: '127.0.0.1', port, ...more });
    writeFileSync(
      join(fleet, 'fleet.yaml'),
      stringify({
        id: '01JQZ0000000000000000TEST0',
        name: 'test',
        defaults: { user: node.user, identity: node.userKey.path },
        bastions: { hop: at(hop.port, { identity: hop.userKey.path, user: hop.user }) },
        nodes: {
          near: at(node.port),
          far: at(node.port, { via: 'hop' }),
          strange: at(node.port),
          unknown: at(node.port),
          away: at(await freePort()),
          stranger: at(node.port, { identity: makeKey(join(node.dir, 'stranger')).path }),
        },
      }),
    );
    const line = `${node.hostKeys[0]?.line}`;
    const known = ['near', 'far', 'away', 'stranger'].map((name) => `${name} ${line}`);
    const other = makeKey(join(node.dir, 'another'));
    writeFileSync(
      join(fleet, 'known_hosts'),
      [...known, `hop ${hop.hostKeys[0]?.line}`, `strange ${other.line}`, ''].join('\n'),
    );
  });
  afterAll(async () => {
    await Promise.all([node.stop(), hop.stop()]);
    rmSync(fleet, { recursive: true, force: true });
  });

  /** Types into a terminal, as a person would, and sees what comes of it. */
  const onTerminal = async (name: string, typed: string) => {
    const command = `'${process.execPath}' '${root}bin/run.js' node shell ${name}`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: { PATH: process.env['PATH'], HOME: node.dir, EDGECTL_FLEET: fleet, TERM: 'dumb', SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let screen = '';
    child.stdout.on('data', (chunk: Buffer) => {
      // Only a shell that is there reads what is typed; its prompt ends with $ or #.
      if (!/[$#] ?$/mu.test(screen) && /[$#] ?$/mu.test(screen + chunk.toString())) child.stdin.write(typed);
      screen += chunk.toString();
    });
    const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { exitCode, screen };
  };

  it('opens a shell with a terminal on the node', async () => {
    const { exitCode, screen } = await onTerminal('near', 'tty; echo "sum $((40 + 2))"; exit 7\n');
    expect(screen).toMatch(/\/dev\/pts\/\d+/);
    expect(screen).toContain('sum 42');
    expect(exitCode).toBe(0);
  });

  it('goes through the bastion of the fleet', async () => {
    const { exitCode, screen } = await onTerminal('far', 'echo "from ${SSH_CONNECTION#* }"; exit\n');
    expect(screen).toContain('from ');
    expect(exitCode).toBe(0);
  });

  it.each([
    ['strange', 'SSH_HOST_KEY_CHANGED', 'edgectl node trust strange --replace', 4],
    ['unknown', 'SSH_HOST_KEY_UNKNOWN', 'edgectl node trust unknown', 4],
    ['stranger', 'SSH_AUTH', 'edgectl node doctor stranger', 4],
    ['away', 'NODE_UNREACHABLE', 'edgectl node doctor away', 3],
  ])('refuses a node that is %s: %s', async (name, code, hint, expected) => {
    const { exitCode, screen } = await onTerminal(name, '');
    expect(screen).toContain(code);
    expect(screen).toContain(hint);
    expect(exitCode).toBe(expected);
  });

  it('wants a terminal, and names the command for scripts', async () => {
    const { exitCode, stderr } = await runCli(['node', 'shell', 'near'], { env: { EDGECTL_FLEET: fleet } });
    expect([exitCode, stderr.includes('edgectl node exec near -- COMMAND')]).toEqual([64, true]);
  });
});
