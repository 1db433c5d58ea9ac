import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseKnownHosts } from '../../../src/transport/known-hosts/parse.js';
import { pinsFor } from '../../../src/transport/known-hosts/pins.js';
import { createSshTransport } from '../../../src/transport/ssh/transport.js';
import type { ConnectResult } from '../../../src/transport/types.js';
import { requires } from '../../helpers/requires.js';
import { makeKey, startSshd, type KeyPair, type TestSshd } from '../../helpers/sshd.js';
import { until } from '../../helpers/until.js';

const need = requires('sshd', 'ssh-agent');

describe.skipIf(need.skip)('a real ssh-agent', () => {
  let dir: string;
  let sshd: TestSshd;
  let agent: ChildProcess;
  let socket: string;
  let locked: KeyPair;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'edgectl-agent-'));
    locked = makeKey(join(dir, 'locked'));
    sshd = await startSshd({ authorized: [locked.line] });
    socket = join(dir, 'agent');
    agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    await until('the agent listens', () => existsSync(socket));
    // The agent holds the key that fits last, behind more keys than sshd lets anyone try.
    for (let n = 0; n < 8; n += 1) add(makeKey(join(dir, `other-${n}`)).path);
    add(locked.path);
    execFileSync('ssh-keygen', ['-q', '-p', '-N', 'correct horse', '-P', '', '-f', locked.path]);
  });
  afterAll(async () => {
    agent.kill();
    await sshd.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const add = (path: string): void => {
    execFileSync('ssh-add', ['-q', path], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
  };
  const connect = async (identityFiles: string[], agentSocket = socket): Promise<ConnectResult> => {
    const hosts = parseKnownHosts(`n1 ${sshd.hostKeys[0]?.line}\n`);
    const transport = createSshTransport({ knownHosts: { lookup: async (id) => pinsFor(hosts, id) } });
    const target = {
      nodeId: 'n1',
      host: '127.0.0.1',
      port: sshd.port,
      user: sshd.user,
      identityFiles,
      agent: agentSocket,
    };
    const result = await transport.connect(target);
    await transport.close();
    return result;
  };

  it('logs in with the agent’s copy of a passphrase-protected key, past eight keys that do not fit', async () => {
    expect(await connect([locked.path])).toMatchObject({ ok: true });
  });

  it('is an authentication failure when the agent has only keys that do not fit', async () => {
    expect(await connect([])).toMatchObject({ ok: false, kind: 'auth' });
  });

  it('falls back to the key file when the agent is gone', async () => {
    expect(await connect([sshd.userKey.path], join(dir, 'no-agent'))).toMatchObject({ ok: true });
    const result = await connect([], join(dir, 'no-agent'));
    expect(result).toMatchObject({ ok: false, kind: 'auth' });
    expect(!result.ok && result.message).toContain('agent');
  });
});
