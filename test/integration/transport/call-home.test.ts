import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ExecResult, Target, Transport } from '../../../src/transport/types.js';
import { requires } from '../../helpers/requires.js';
import { startSshd, type TestSshd } from '../../helpers/sshd.js';
import { endpointOf, pinOf, TransportBench } from '../../helpers/transports.js';
import { until } from '../../helpers/until.js';

const need = requires('sshd');

describe.skipIf(need.skip)('a node behind NAT that keeps a tunnel to a bastion', () => {
  const bench = new TransportBench('ssh');
  let node: TestSshd;
  let hop: TestSshd;
  const tunnels: ChildProcess[] = [];

  beforeAll(async () => {
    // Nobody but the tunnel's own end can reach the node's sshd by the way that the test uses.
    [node, hop] = await Promise.all([startSshd(), startSshd({ config: ['StreamLocalBindUnlink yes'] })]);
  });
  afterAll(() => Promise.all([node.stop(), hop.stop()]));
  afterEach(async () => {
    for (const tunnel of tunnels.splice(0)) await hangUp(tunnel);
    await bench.close();
  });

  const socket = (): string => join(hop.dir, 'edge-001.sock');
  const call = (): ChildProcess => {
    rmSync(socket(), { force: true });
    const options = [
      'ExitOnForwardFailure=yes',
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'BatchMode=yes',
    ];
    const args = ['-F', 'none', '-N', '-R', `${socket()}:127.0.0.1:${node.port}`, '-p', String(hop.port)];
    const login = ['-i', hop.userKey.path, `${hop.user}@127.0.0.1`];
    const child = spawn('ssh', [...args, ...options.flatMap((each) => ['-o', each]), ...login], { stdio: 'ignore' });
    tunnels.push(child);
    return child;
  };
  const hangUp = async (tunnel: ChildProcess): Promise<void> => {
    if (tunnel.exitCode !== null || tunnel.signalCode !== null) return;
    const gone = new Promise((resolve) => tunnel.once('exit', resolve));
    tunnel.kill();
    await gone;
  };
  const target = (): Target => ({
    ...endpointOf('edge-001', node),
    // An address that leads nowhere: only the socket is used.
    host: 'edge-001.invalid',
    via: [endpointOf('hop', hop)],
    socketPath: socket(),
  });
  const pins = (): string => pinOf('edge-001', node) + pinOf('hop', hop);
  const ask = async (transport: Transport, argv: string[], fresh = false): Promise<ExecResult> => {
    const connected = await transport.connect(target(), { fresh });
    if (!connected.ok) return connected;
    const result = await connected.session.exec({ argv, timeoutMs: 60_000 });
    await connected.session.close();
    return result;
  };

  it('is reached over its socket, with its own host key, also for a confirmation', async () => {
    call();
    await until('the tunnel is open', () => existsSync(socket()));
    const transport = bench.make(pins());
    const result = await ask(transport, ['echo', 'home']);
    expect(result.ok && result.stdout.toString()).toBe('home\n');
    expect(await ask(transport, ['true'], true)).toMatchObject({ ok: true, status: 0 });
    const wrong = await ask(bench.make(pinOf('edge-001', hop) + pinOf('hop', hop)), ['true']);
    expect(wrong).toMatchObject({ ok: false, kind: 'host-key-changed', sent: false });
  });

  it('is out of reach, not refused, while it has not called, and when its tunnel has died', async () => {
    rmSync(socket(), { force: true });
    const transport = bench.make(pins());
    const absent = await ask(transport, ['true']);
    expect(absent).toMatchObject({ ok: false, kind: 'refused', sent: false });
    expect(!absent.ok && absent.message).toContain('no open tunnel to bastion hop');
    const tunnel = call();
    await until('the tunnel is open', () => existsSync(socket()));
    await hangUp(tunnel);
    await until('the bastion has noticed', async () => {
      const result = await ask(transport, ['true']);
      return !result.ok && result.kind === 'refused';
    });
  });

  it('gets ten pieces of work done by a node that hangs up after each second one', async () => {
    const transport = bench.make(pins(), { keepaliveMs: 500 });
    let tunnel: ChildProcess | undefined;
    const done: string[] = [];
    let calls = 0;
    await until('all is done', async () => {
      if (tunnel === undefined) {
        tunnel = call();
        calls += 1;
        await until('the tunnel is open', () => existsSync(socket()));
      }
      const result = await ask(transport, ['echo', String(done.length)], done.length % 2 === 0);
      if (!result.ok) return false;
      done.push(result.stdout.toString().trim());
      if (done.length % 2 === 0) {
        await hangUp(tunnel);
        tunnel = undefined;
      }
      return done.length === 10;
    });
    expect(done).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(calls).toBe(5);
  });
});
