import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ExecRequest, ExecResult, Target, Transport } from '../../../src/transport/types.js';
import { requires } from '../../helpers/requires.js';
import { freePort, makeKey, startSshd, type TestSshd } from '../../helpers/sshd.js';
import { endpointOf, pinOf, TransportBench, transportKinds } from '../../helpers/transports.js';

const need = requires('sshd');
const ipv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

describe.skipIf(need.skip).each(transportKinds)('what every transport keeps to, %s', (kind) => {
  const bench = new TransportBench(kind);
  let sshd: TestSshd;

  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());
  afterEach(() => bench.close());

  const target = (over: Partial<Target> = {}): Target => ({ ...endpointOf('edge-001', sshd), ...over });
  const on = async (transport: Transport, request: Partial<ExecRequest>, to = target()): Promise<ExecResult> => {
    const connected = await transport.connect(to);
    if (!connected.ok) return connected;
    try {
      return await connected.session.exec({ argv: ['true'], timeoutMs: 60_000, ...request });
    } finally {
      await connected.session.close();
    }
  };
  const fails = (over: Partial<Target>, hosts = pinOf('edge-001', sshd)): Promise<ExecResult> =>
    on(bench.make(hosts), {}, target(over));

  it('hands over an argv, input, output and exit status without a change; 255 is a status like any other', async () => {
    const transport = bench.make(pinOf('edge-001', sshd));
    const words = ["it's", '$(id)', 'a b', '*', '\\', '"', 'x\ny', 'ü', '', '-v', '--'];
    const echo = await on(transport, { argv: ['printf', '%s\\0', ...words] });
    expect(echo.ok && echo.stdout.toString().split('\0').slice(0, -1)).toEqual(words);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    const copied = await on(transport, { argv: ['sh', '-c', 'cat; cat /dev/null >&2; exit 255'], stdin: bytes });
    expect(copied).toMatchObject({ ok: true, status: 255, truncated: false });
    expect(copied.ok && copied.stdout.equals(bytes)).toBe(true);
    const killed = await on(transport, { argv: ['sh', '-c', 'echo last words >&2; kill -KILL $$'] });
    expect(killed).toMatchObject({ ok: true, status: null });
    expect(killed.ok && killed.stderr.toString()).toBe('last words\n');
  });

  it('takes a stream as input, and throws what the stream throws', async () => {
    const transport = bench.make(pinOf('edge-001', sshd));
    async function* much(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 64; i += 1) yield Buffer.alloc(64 * 1024, i);
    }
    const counted = await on(transport, { argv: ['wc', '-c'], stdin: much() });
    expect(counted.ok && counted.stdout.toString().trim()).toBe(String(4 * 1024 * 1024));
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('some');
      throw new Error('the bundle is gone');
    }
    await expect(on(transport, { argv: ['cat'], stdin: broken() })).rejects.toThrow('the bundle is gone');
  });

  it('cuts output at its bound and ends a command that prints without end', async () => {
    const result = await on(bench.make(pinOf('edge-001', sshd)), { argv: ['yes'], maxOutput: 10_000 });
    expect(result).toMatchObject({ ok: true, truncated: true });
    expect(result.ok && result.stdout.length).toBe(10_000);
  });

  it('gives up at the deadline and on its signal, and says that the command may have run', async () => {
    const transport = bench.make(pinOf('edge-001', sshd));
    expect(await on(transport, {})).toMatchObject({ ok: true });
    const late = await on(transport, { argv: ['sleep', '600'], timeoutMs: 1500 });
    expect(late).toMatchObject({ ok: false, kind: 'command-timeout', sent: true });
    const stop = new AbortController();
    const running = on(transport, { argv: ['sleep', '600'], signal: stop.signal });
    setTimeout(() => stop.abort(), 1500);
    expect(await running).toMatchObject({ ok: false, kind: 'cancelled' });
  });

  it('tells the ways apart in which a node cannot be reached', async () => {
    const stranger = makeKey(join(sshd.dir, `stranger-${kind}`));
    expect(await fails({ host: 'no-such-node.invalid' })).toMatchObject({ ok: false, kind: 'dns', sent: false });
    expect(await fails({ port: await freePort() })).toMatchObject({ ok: false, kind: 'refused', sent: false });
    expect(await fails({ identityFiles: [stranger.path] })).toMatchObject({ ok: false, kind: 'auth', sent: false });
    expect(await fails({ host: '255.255.255.255' })).toMatchObject({ ok: false, kind: 'no-route', sent: false });
  });

  it('is strict about host keys: unknown, changed, revoked, hashed by ssh-keygen -H', async () => {
    const line = sshd.hostKeys[0]?.line ?? '';
    const other = makeKey(join(sshd.dir, `other-${kind}`));
    const print = execFileSync('ssh-keygen', ['-lf', `${sshd.hostKeys[0]?.path}.pub`])
      .toString()
      .split(' ')[1];
    const unknown = await fails({}, '');
    expect(unknown).toMatchObject({ ok: false, kind: 'host-key-unknown', sent: false });
    expect(!unknown.ok && unknown.message).toContain(print);
    const changed = await fails({}, `edge-001 ${other.line}\n`);
    expect(changed).toMatchObject({ ok: false, kind: 'host-key-changed', sent: false });
    expect(!changed.ok && changed.message).toContain(print);
    const revoked = await fails({}, `edge-001 ${line}\n@revoked * ${line}\n`);
    expect(revoked).toMatchObject({ ok: false, kind: 'host-key-changed', sent: false });
    expect(!revoked.ok && revoked.message).toContain('revoked');
    const file = join(sshd.dir, `hashed-${kind}`);
    writeFileSync(file, `edge-001 ${line}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    const hashed = readFileSync(file, 'utf8');
    expect(hashed).toMatch(/^\|1\|/u);
    expect(await fails({}, hashed)).toMatchObject({ ok: true });
    expect(await fails({ nodeId: 'edge-002' }, hashed)).toMatchObject({ ok: false, kind: 'host-key-unknown' });
  });

  it.skipIf(!ipv6)('reaches a node by a literal IPv6 address, directly and behind a bastion', async () => {
    const six = await startSshd({ address: '::1' });
    try {
      const to: Target = { ...endpointOf('edge-006', six), host: '::1' };
      const hosts = pinOf('edge-006', six) + pinOf('hop', sshd);
      const echo = { argv: ['sh', '-c', 'echo "${SSH_CONNECTION%% *}"'] };
      const direct = await on(bench.make(hosts), echo, to);
      expect(direct.ok && direct.stdout.toString()).toBe('::1\n');
      const behind = await on(bench.make(hosts), echo, { ...to, via: [endpointOf('hop', sshd)] });
      expect(behind.ok && behind.stdout.toString()).toBe('::1\n');
      expect(await on(bench.make(hosts), {}, { ...to, port: await freePort('::1') })).toMatchObject({
        kind: 'refused',
      });
    } finally {
      await six.stop();
    }
  });

  it('leaves nothing behind when it is closed', async () => {
    // A directory of this test's own: others run beside it and use the common one. The helper's known_hosts is not the transport's.
    const temporary = mkdtempSync('/tmp/edgectl-t-');
    const left = (): string[] => readdirSync(temporary).filter((name) => !name.startsWith('edgectl-known-'));
    const usual = process.env['TMPDIR'];
    process.env['TMPDIR'] = temporary;
    try {
      const transport = bench.make(pinOf('edge-001', sshd));
      expect(await on(transport, {})).toMatchObject({ ok: true });
      expect(left()).toHaveLength(kind === 'openssh' ? 1 : 0);
      await transport.close();
      expect(left()).toEqual([]);
    } finally {
      if (usual === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = usual;
      rmSync(temporary, { recursive: true, force: true });
    }
  });
});
