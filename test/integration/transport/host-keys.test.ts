import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fileKnownHosts, writePins } from '../../../src/transport/known-hosts/file.js';
import { scanHostKeys } from '../../../src/transport/ssh/scan.js';
import { createSshTransport } from '../../../src/transport/ssh/transport.js';
import type { ConnectResult, Target } from '../../../src/transport/types.js';
import { requires } from '../../helpers/requires.js';
import { freePort, makeKey, startSshd, type KeyPair, type TestSshd } from '../../helpers/sshd.js';
import { plainMessages, startProxy, type TcpProxy } from '../../helpers/tcp-proxy.js';

const need = requires('sshd');
const disconnect = 1;
const newKeys = 21;
const serviceRequest = 5;

describe.skipIf(need.skip)('host keys of a real sshd', () => {
  const dir = mkdtempSync(join(tmpdir(), 'edgectl-hostkeys-'));
  const file = join(dir, 'known_hosts');
  const keys: Record<string, KeyPair> = {};
  let sshd: TestSshd;
  let proxy: TcpProxy;

  beforeAll(async () => {
    for (const type of ['ed25519', 'ecdsa', 'rsa']) keys[type] = makeKey(join(dir, type), type);
    keys['other'] = makeKey(join(dir, 'other'));
    sshd = await startSshd({ hostKeys: ['ed25519', 'ecdsa', 'rsa'].map((type) => keys[type]?.path ?? '') });
    proxy = await startProxy(sshd.port);
  });
  afterAll(async () => {
    await proxy.close();
    await sshd.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
  });

  const line = (name: string): string => keys[name]?.line ?? '';
  const print = (name: string): string =>
    execFileSync('ssh-keygen', ['-lf', `${keys[name]?.path}.pub`])
      .toString()
      .split(' ')[1] ?? '';
  const connect = async (knownHosts: string, port = sshd.port, nodeId = 'edge-001'): Promise<ConnectResult> => {
    writeFileSync(file, knownHosts);
    const transport = createSshTransport({ knownHosts: fileKnownHosts(file) });
    opened.push(transport);
    const target: Target = { nodeId, host: '127.0.0.1', port, user: sshd.user, identityFiles: [sshd.userKey.path] };
    return transport.connect(target);
  };

  it.each(['ed25519', 'ecdsa', 'rsa'])('accepts a pinned %s key though sshd has others too', async (type) => {
    expect(await connect(`edge-001 ${line(type)}\n`)).toMatchObject({ ok: true });
  });

  it('finds a name that ssh-keygen has hashed, and no other name under it', async () => {
    writeFileSync(file, `edge-001 ${line('ed25519')}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    const hashed = readFileSync(file, 'utf8');
    expect(hashed).toMatch(/^\|1\|/u);
    expect(await connect(hashed)).toMatchObject({ ok: true });
    expect(await connect(hashed, sshd.port, 'edge-002')).toMatchObject({ ok: false, kind: 'host-key-unknown' });
  });

  it('pins by node id: the address in known_hosts does not count', async () => {
    const result = await connect(`[127.0.0.1]:${sshd.port},127.0.0.1 ${line('ed25519')}\n`);
    expect(result).toMatchObject({
      ok: false,
      kind: 'host-key-unknown',
      pinned: [],
      offered: `ED25519 ${print('ed25519')}`,
    });
  });

  it('refuses a changed key, names both fingerprints, and sends nothing but the disconnect', async () => {
    const before = proxy.fromClient().length;
    const result = await connect(`edge-001 ${line('other')}\n`, proxy.port);
    expect(result).toMatchObject({
      ok: false,
      kind: 'host-key-changed',
      sent: false,
      pinned: [`ED25519 ${print('other')}`],
      offered: `ED25519 ${print('ed25519')}`,
    });
    const sent = proxy.fromClient().subarray(before);
    const messages = plainMessages(sent);
    // KEXINIT (20) and ECDH_INIT (30) are plain text; neither NEWKEYS nor a service request may follow.
    expect(messages.slice(0, 2)).toEqual([20, 30]);
    expect(messages).not.toContain(newKeys);
    expect(messages).not.toContain(serviceRequest);
    expect(messages.slice(2).every((message) => message === disconnect)).toBe(true);
    expect(sent.includes(sshd.user)).toBe(false);
  });

  it('shows through the same proxy that an accepted key does send NEWKEYS', async () => {
    const before = proxy.fromClient().length;
    expect(await connect(`edge-001 ${line('ed25519')}\n`, proxy.port)).toMatchObject({ ok: true });
    expect(plainMessages(proxy.fromClient().subarray(before)).slice(0, 3)).toEqual([20, 30, newKeys]);
  });

  it('names the key that is offered when the pinned type is gone from the node', async () => {
    const only = await startSshd({ hostKeys: [keys['rsa']?.path ?? ''] });
    opened.push({ close: () => only.stop() });
    const result = await connect(`edge-001 ${line('ed25519')}\n`, only.port);
    expect(result).toMatchObject({ ok: false, kind: 'host-key-changed', offered: `RSA ${print('rsa')}` });
  });

  it('refuses a revoked key even when it is pinned', async () => {
    const result = await connect(`edge-001 ${line('ed25519')}\n@revoked * ${line('ed25519')}\n`);
    expect(result).toMatchObject({ ok: false, kind: 'host-key-changed', sent: false });
    expect(!result.ok && result.message).toContain('revoked');
  });

  it('says so when a node is known only by a certificate authority', async () => {
    const result = await connect(`@cert-authority * ${line('other')}\n`);
    expect(result).toMatchObject({ ok: false, kind: 'host-key-unknown' });
    expect(!result.ok && result.message).toContain('certificate authority');
  });

  it('pins nothing when there is no known_hosts file', async () => {
    rmSync(file, { force: true });
    const transport = createSshTransport({ knownHosts: fileKnownHosts(file) });
    opened.push(transport);
    const target = { nodeId: 'edge-001', host: '127.0.0.1', port: sshd.port, user: sshd.user, identityFiles: [] };
    expect(await transport.connect(target)).toMatchObject({ ok: false, kind: 'host-key-unknown' });
  });

  it('sees pins that are written while it runs', async () => {
    rmSync(file, { force: true });
    const transport = createSshTransport({ knownHosts: fileKnownHosts(file) });
    opened.push(transport);
    const target = {
      nodeId: 'edge-001',
      host: '127.0.0.1',
      port: sshd.port,
      user: sshd.user,
      identityFiles: [sshd.userKey.path],
    };
    expect(await transport.connect(target)).toMatchObject({ kind: 'host-key-unknown' });
    const scanned = await scanHostKeys('127.0.0.1', sshd.port);
    if ('ok' in scanned) throw new Error(scanned.message);
    await writePins(file, [{ nodeId: 'edge-001', keys: scanned }]);
    expect(await transport.connect(target)).toMatchObject({ ok: true });
  });

  it('scans the keys of every type, as ssh-keygen fingerprints them', async () => {
    const scanned = await scanHostKeys('127.0.0.1', sshd.port);
    if ('ok' in scanned) throw new Error(scanned.message);
    expect(scanned.map((key) => key.fingerprint)).toEqual([
      `ED25519 ${print('ed25519')}`,
      `ECDSA ${print('ecdsa')}`,
      `RSA ${print('rsa')}`,
    ]);
    expect(scanned.map(({ type, key }) => `${type} ${key}`)).toEqual([line('ed25519'), line('ecdsa'), line('rsa')]);
  });

  it('scans over one connection for each key that there is, so that sshd does not take it for an attack', async () => {
    const proxy = await startProxy(sshd.port);
    const scanned = await scanHostKeys('127.0.0.1', proxy.port).finally(() => proxy.close());
    expect(scanned).toHaveLength(3);
    expect(proxy.connections).toBe(3);
  });

  it('fails a scan with the same kinds as a connection', async () => {
    expect(await scanHostKeys('127.0.0.1', await freePort())).toMatchObject({ ok: false, kind: 'refused' });
  });
});
