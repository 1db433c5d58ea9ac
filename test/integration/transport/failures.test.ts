import { createServer, type AddressInfo, type Socket } from 'node:net';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseKnownHosts } from '../../../src/transport/known-hosts/parse.js';
import { pinsFor } from '../../../src/transport/known-hosts/pins.js';
import type { SshLimits } from '../../../src/transport/ssh/limits.js';
import { createSshTransport } from '../../../src/transport/ssh/transport.js';
import type { ConnectResult, Target } from '../../../src/transport/types.js';
import { requires } from '../../helpers/requires.js';
import { freePort, makeKey, startSshd, type TestSshd } from '../../helpers/sshd.js';

const need = requires('sshd');

describe.skipIf(need.skip)('a node that cannot be reached', () => {
  let sshd: TestSshd;
  const cleanUps: (() => unknown)[] = [];

  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  const attempt = async (
    over: Partial<Target>,
    how: { limits?: Partial<SshLimits>; signal?: AbortSignal } = {},
  ): Promise<ConnectResult> => {
    const hosts = parseKnownHosts(`edge-001 ${sshd.hostKeys[0]?.line}\n`);
    const transport = createSshTransport({
      knownHosts: { lookup: async (id) => pinsFor(hosts, id) },
      limits: how.limits ?? {},
    });
    cleanUps.push(() => transport.close());
    const target: Target = {
      nodeId: 'edge-001',
      host: '127.0.0.1',
      port: sshd.port,
      user: sshd.user,
      identityFiles: [sshd.userKey.path],
      ...over,
    };
    return transport.connect(target, how.signal === undefined ? {} : { signal: how.signal });
  };

  it('is "dns" when its name does not resolve', async () => {
    expect(await attempt({ host: 'no-such-node.invalid' })).toMatchObject({ ok: false, kind: 'dns', sent: false });
  });

  it('is "refused" when nothing listens', async () => {
    expect(await attempt({ port: await freePort() })).toMatchObject({ ok: false, kind: 'refused', sent: false });
  });

  it('is "no-route" when the network has no way there', async () => {
    // 240.0.0.0/4 is reserved; Linux answers ENETUNREACH or EHOSTUNREACH, or a router might drop it.
    const result = await attempt({ host: '255.255.255.255' }, { limits: { connectMs: 2000 } });
    expect(result).toMatchObject({ ok: false, kind: 'no-route', sent: false });
  });

  it('is "connect-timeout" behind a black hole', async () => {
    const hole = await blackHole();
    cleanUps.push(hole.close);
    const result = await attempt({ port: hole.port }, { limits: { connectMs: 300 } });
    expect(result).toMatchObject({ ok: false, kind: 'connect-timeout', sent: false });
  });

  it('is "handshake-timeout" when sshd hangs after accepting', async () => {
    const hung = await startSshd();
    cleanUps.push(() => hung.stop());
    process.kill(hung.pid, 'SIGSTOP');
    const result = await attempt({ port: hung.port }, { limits: { handshakeMs: 300 } });
    expect(result).toMatchObject({ ok: false, kind: 'handshake-timeout', sent: false });
    expect(!result.ok && result.message).toContain('key exchange');
  });

  it('is "closed" when something else than sshd answers', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => server.close());
    const result = await attempt({ port: (server.address() as AddressInfo).port });
    expect(result).toMatchObject({ ok: false, kind: 'closed', sent: false });
  });

  it('is "closed" when sshd drops the connection at once, as MaxStartups does', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => server.close());
    const result = await attempt({ port: (server.address() as AddressInfo).port });
    expect(result).toMatchObject({ ok: false, kind: 'closed', sent: false });
  });

  it('is "auth" when the key is not authorized, and the message names the key', async () => {
    const stranger = makeKey(join(sshd.dir, 'stranger'));
    const result = await attempt({ identityFiles: [stranger.path] });
    expect(result).toMatchObject({ ok: false, kind: 'auth', sent: false });
    expect(!result.ok && result.message).toContain(stranger.path);
  });

  it('is "auth" with a plain word about a key that needs a passphrase, a missing key, and no key at all', async () => {
    const locked = makeKey(join(sshd.dir, 'locked'), 'ed25519', 'correct horse');
    const told = async (identityFiles: string[]): Promise<string> => {
      const result = await attempt({ identityFiles });
      expect(result).toMatchObject({ ok: false, kind: 'auth' });
      return result.ok ? '' : result.message;
    };
    expect(await told([locked.path])).toContain(
      `protected by a passphrase: add it to an agent (ssh-add ${locked.path})`,
    );
    expect(await told([join(sshd.dir, 'nowhere')])).toContain('nowhere is not there');
    expect(await told([])).toContain('no key and no agent');
  });

  it('is "auth" after too many keys, not "closed"', async () => {
    const many = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => makeKey(join(sshd.dir, `many-${n}`)).path);
    expect(await attempt({ identityFiles: many })).toMatchObject({ ok: false, kind: 'auth', sent: false });
  });

  it('tries the next key when one is rejected', async () => {
    const wrong = makeKey(join(sshd.dir, 'wrong'));
    expect(await attempt({ identityFiles: [wrong.path, sshd.userKey.path] })).toMatchObject({ ok: true });
  });

  it('is "cancelled" before, while dialling and while shaking hands', async () => {
    expect(await attempt({}, { signal: AbortSignal.abort() })).toMatchObject({
      ok: false,
      kind: 'cancelled',
      sent: false,
    });
    const hole = await blackHole();
    cleanUps.push(hole.close);
    const dialling = new AbortController();
    const first = attempt({ port: hole.port }, { signal: dialling.signal });
    setImmediate(() => dialling.abort());
    expect(await first).toMatchObject({ ok: false, kind: 'cancelled', sent: false });
    const shaking = new AbortController();
    const silent = createServer(() => shaking.abort());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => silent.close());
    const second = await attempt({ port: (silent.address() as AddressInfo).port }, { signal: shaking.signal });
    expect(second).toMatchObject({ ok: false, kind: 'cancelled', sent: false });
  });

  it('does not let hung nodes take the handshakes of others away for longer than their deadline', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => (sockets.forEach((socket) => socket.destroy()), silent.close()));
    const port = (silent.address() as AddressInfo).port;
    const hosts = parseKnownHosts(`* ${sshd.hostKeys[0]?.line}\n`);
    const transport = createSshTransport({
      knownHosts: { lookup: async (id) => pinsFor(hosts, id) },
      limits: { handshakes: { min: 2, max: 2 }, handshakeMs: 1500 },
    });
    cleanUps.push(() => transport.close());
    const base = { host: '127.0.0.1', user: sshd.user, identityFiles: [sshd.userKey.path] };
    const hung = ['h1', 'h2'].map((nodeId) => transport.connect({ ...base, nodeId, port }));
    await expect.poll(() => sockets.length).toBe(2);
    const good = transport.connect({ ...base, nodeId: 'g1', port: sshd.port });
    expect((await Promise.all(hung)).map((result) => !result.ok && result.kind)).toEqual(
      Array(2).fill('handshake-timeout'),
    );
    expect(await good).toMatchObject({ ok: true });
  });
});

// A listener whose accept queue is full: Linux drops further SYNs without an answer. A child holds it, because Node
// would accept.
async function blackHole(): Promise<{ port: number; close: () => void }> {
  const script = [
    'import socket, sys',
    's = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)',
    'port = s.getsockname()[1]',
    'held = []',
    'for _ in range(4):',
    '    c = socket.socket(); c.setblocking(False); c.connect_ex(("127.0.0.1", port)); held.append(c)',
    'import time; time.sleep(0.3)',
    'print(port, flush=True)',
    'sys.stdin.read()',
  ].join('\n');
  const child = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const port = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString().trim())));
  });
  return { port, close: () => child.stdin.end() };
}
