import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseKnownHosts } from '../../../src/transport/known-hosts/parse.js';
import { pinsFor } from '../../../src/transport/known-hosts/pins.js';
import { createSshTransport } from '../../../src/transport/ssh/transport.js';
import type { SshLimits } from '../../../src/transport/ssh/limits.js';
import type { ExecRequest, ExecResult, Target, Transport } from '../../../src/transport/types.js';
import { requires } from '../../helpers/requires.js';
import { startSshd, type TestSshd } from '../../helpers/sshd.js';
import { startProxy, type TcpProxy } from '../../helpers/tcp-proxy.js';
import { until } from '../../helpers/until.js';

const need = requires('sshd');

describe.skipIf(need.skip)('a session with a real sshd', () => {
  let sshd: TestSshd;
  const transports: Transport[] = [];
  const proxies: TcpProxy[] = [];

  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());
  afterEach(async () => {
    await Promise.all([...transports.splice(0), ...proxies.splice(0)].map((each) => each.close()));
  });

  const target = (port = sshd.port): Target => ({
    nodeId: 'edge-001',
    host: '127.0.0.1',
    port,
    user: sshd.user,
    identityFiles: [sshd.userKey.path],
  });
  const open = (limits: Partial<SshLimits> = {}): Transport => {
    const hosts = parseKnownHosts(`edge-001 ${sshd.hostKeys[0]?.line}\n`);
    const transport = createSshTransport({ knownHosts: { lookup: async (id) => pinsFor(hosts, id) }, limits });
    transports.push(transport);
    return transport;
  };
  const proxied = async (): Promise<TcpProxy> => {
    const proxy = await startProxy(sshd.port);
    proxies.push(proxy);
    return proxy;
  };
  const exec = async (transport: Transport, request: Partial<ExecRequest>, port?: number): Promise<ExecResult> => {
    const connected = await transport.connect(target(port));
    if (!connected.ok) return connected;
    const result = await connected.session.exec({ argv: ['true'], timeoutMs: 20_000, ...request });
    await connected.session.close();
    return result;
  };

  it('runs an argv whose words hold every shell character', async () => {
    const words = ["it's", '$(id)', '`id`', 'a b', '*', '\\', '"', 'x\ny', 'ü', '', ';', '!', '~'];
    const result = await exec(open(), { argv: ['printf', '%s\\0', ...words] });
    expect(result).toMatchObject({ ok: true, status: 0 });
    expect(result.ok && result.stdout.toString().split('\0').slice(0, -1)).toEqual(words);
  });

  it('keeps exit status, standard output and standard error apart', async () => {
    const result = await exec(open(), { argv: ['sh', '-c', 'echo out; echo err >&2; exit 3'] });
    expect(result).toMatchObject({ ok: true, status: 3, truncated: false });
    expect(result.ok && [result.stdout.toString(), result.stderr.toString()]).toEqual(['out\n', 'err\n']);
  });

  it('gives a null status when a signal ended the command', async () => {
    expect(await exec(open(), { argv: ['sh', '-c', 'kill -KILL $$'] })).toMatchObject({ ok: true, status: null });
  });

  it('uploads a stream with backpressure: a slow reader holds the source back', async () => {
    let produced = 0;
    let most = 0;
    const chunk = Buffer.alloc(64 * 1024, 7);
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 256; i += 1) {
        produced += chunk.length;
        yield chunk;
      }
    }
    const transport = open();
    const script = 'read -r line < "$0"; echo ready; cat | wc -c';
    const gate = `${sshd.dir}/gate`;
    const { execFileSync } = await import('node:child_process');
    execFileSync('mkfifo', [gate]);
    const running = exec(transport, { argv: ['sh', '-c', script, gate], stdin: source() });
    // The command reads nothing before the gate opens: only windows and buffers can have been filled.
    let quiet = 0;
    const stalled = (): number => {
      quiet = produced === most && produced > 0 ? quiet + 1 : 0;
      most = produced;
      return quiet;
    };
    await until('the source stands still for five looks', stalled, { good: (looks) => looks >= 5 });
    execFileSync('sh', ['-c', `echo go > ${gate}`]);
    const result = await running;
    expect(most).toBeLessThan(12 * 1024 * 1024);
    expect(result.ok && result.stdout.toString().trim()).toBe(`ready\n${256 * chunk.length}`);
  });

  it('does not hang when the command ends without reading its input', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 4096; i += 1) yield Buffer.alloc(64 * 1024);
    }
    expect(await exec(open(), { argv: ['sh', '-c', 'exit 5'], stdin: endless() })).toMatchObject({
      ok: true,
      status: 5,
    });
  });

  it('throws what the source of its input throws, and the connection is still good', async () => {
    const transport = open();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('some');
      throw new Error('the bundle is gone');
    }
    await expect(exec(transport, { argv: ['cat'], stdin: broken() })).rejects.toThrow('the bundle is gone');
    expect(await exec(transport, { argv: ['true'] })).toMatchObject({ ok: true, status: 0 });
  });

  it('cuts a flood of output at its bound and ends the command', async () => {
    const transport = open();
    const result = await exec(transport, { argv: ['yes'], maxOutput: 100_000 });
    expect(result).toMatchObject({ ok: true, truncated: true, status: null });
    expect(result.ok && result.stdout.length).toBe(100_000);
    const errors = await exec(transport, { argv: ['sh', '-c', 'yes >&2'], maxOutput: 5000 });
    expect(errors.ok && [errors.truncated, errors.stderr.length]).toEqual([true, 5000]);
  });

  it('gives up a command at its deadline and says that it may have run', async () => {
    const result = await exec(open(), { argv: ['sleep', '60'], timeoutMs: 300 });
    expect(result).toMatchObject({ ok: false, kind: 'command-timeout', sent: true });
  });

  it('stops waiting when its signal fires', async () => {
    const controller = new AbortController();
    const transport = open();
    const connected = await transport.connect(target());
    if (!connected.ok) throw new Error(connected.message);
    const running = connected.session.exec({ argv: ['sleep', '60'], timeoutMs: 60_000, signal: controller.signal });
    controller.abort();
    expect(await running).toMatchObject({ ok: false, kind: 'cancelled', sent: true });
    expect(await connected.session.exec({ argv: ['true'], timeoutMs: 9000, signal: controller.signal })).toMatchObject({
      ok: false,
      kind: 'cancelled',
      sent: false,
    });
  });

  it('tells that the connection was lost when the session’s sshd is killed in the middle of a command', async () => {
    const result = await exec(open(), { argv: ['sh', '-c', 'echo begun; kill -KILL $PPID; sleep 60'] });
    expect(result).toMatchObject({ ok: false, kind: 'closed', sent: true });
  });

  it('uses one connection for many commands, one after another and at once', async () => {
    const proxy = await proxied();
    const transport = open();
    const first = await Promise.all([1, 2, 3].map(() => exec(transport, {}, proxy.port)));
    const then = await exec(transport, {}, proxy.port);
    expect([...first, then].every((result) => result.ok)).toBe(true);
    expect(proxy.connections).toBe(1);
  });

  it('opens a new connection when it is asked for a fresh one, and closes it again', async () => {
    const proxy = await proxied();
    const transport = open();
    await exec(transport, {}, proxy.port);
    const fresh = await transport.connect(target(proxy.port), { fresh: true });
    if (!fresh.ok) throw new Error(fresh.message);
    expect(await fresh.session.exec({ argv: ['true'], timeoutMs: 9000 })).toMatchObject({ ok: true });
    await fresh.session.close();
    expect(proxy.connections).toBe(2);
    await exec(transport, {}, proxy.port);
    expect(proxy.connections).toBe(2);
  });

  it('ends an idle connection and makes another when it is needed again', async () => {
    const proxy = await proxied();
    const transport = open({ idleMs: 20 });
    const connected = await transport.connect(target(proxy.port));
    if (!connected.ok) throw new Error(connected.message);
    await connected.session.close();
    await expect.poll(async () => (await exec(transport, {}, proxy.port), proxy.connections)).toBeGreaterThan(1);
  });

  it('leaves a connection that let a command time out', async () => {
    const proxy = await proxied();
    const transport = open();
    expect(await exec(transport, { argv: ['true'] }, proxy.port)).toMatchObject({ ok: true });
    proxy.freeze();
    expect(await exec(transport, { argv: ['true'], timeoutMs: 200 }, proxy.port)).toMatchObject({
      kind: 'command-timeout',
    });
    expect(await exec(transport, { argv: ['true'] }, proxy.port)).toMatchObject({ ok: true, status: 0 });
    expect(proxy.connections).toBe(2);
  });

  it('notices a dead peer by keepalives', async () => {
    const proxy = await proxied();
    const transport = open({ keepaliveMs: 50 });
    const running = exec(transport, { argv: ['sleep', '60'], timeoutMs: 60_000 }, proxy.port);
    await expect.poll(() => proxy.fromClient().length).toBeGreaterThan(1500);
    proxy.freeze();
    expect(await running).toMatchObject({ ok: false, kind: 'closed', sent: true });
  });

  it('leaves no socket open towards a peer that is gone when it is closed', async () => {
    const proxy = await proxied();
    const transport = open();
    const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    await exec(transport, {}, proxy.port);
    proxy.freeze();
    const before = sockets();
    await transport.close();
    await expect.poll(sockets, { timeout: 5000 }).toBe(before - 1);
  });
});
