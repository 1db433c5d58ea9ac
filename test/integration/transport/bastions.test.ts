import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectResult, ExecResult, Hop, Target, Transport } from '../../../src/transport/types.js';
import { requires } from '../../helpers/requires.js';
import { freePort, makeKey, startSshd, type TestSshd } from '../../helpers/sshd.js';
import { startProxy, type TcpProxy } from '../../helpers/tcp-proxy.js';
import { until } from '../../helpers/until.js';
import { endpointOf, pinOf, TransportBench, transportKinds } from '../../helpers/transports.js';

const need = requires('sshd');

describe.skipIf(need.skip).each(transportKinds)('nodes behind real bastions, over %s', (kind) => {
  const bench = new TransportBench(kind);
  let node: TestSshd;
  let near: TestSshd;
  let far: TestSshd;
  let strict: TestSshd;
  const cleanUps: (() => unknown)[] = [];

  beforeAll(async () => {
    [node, near, far, strict] = await Promise.all([
      startSshd(),
      startSshd(),
      startSshd(),
      startSshd({ config: ['AllowTcpForwarding no'] }),
    ]);
  });
  afterAll(() => Promise.all([node, near, far, strict].map((sshd) => sshd.stop())));
  afterEach(async () => {
    await bench.close();
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  });

  const known = (): string => pinOf('edge-*', node) + pinOf('near', near) + pinOf('far', far) + pinOf('strict', strict);
  const hop = (name: string, sshd: TestSshd, over: Partial<Hop> = {}): Hop => ({ ...endpointOf(name, sshd), ...over });
  const target = (via: Hop[], over: Partial<Target> = {}): Target => ({
    ...endpointOf('edge-001', node),
    ...over,
    via,
  });
  const proxied = async (sshd: TestSshd): Promise<TcpProxy> => {
    const proxy = await startProxy(sshd.port);
    cleanUps.push(() => proxy.close());
    return proxy;
  };
  const exec = async (transport: Transport, to: Target, argv: string[], fresh = false): Promise<ExecResult> => {
    const connected = await transport.connect(to, { fresh });
    if (!connected.ok) return connected;
    const result = await connected.session.exec({ argv, timeoutMs: 30_000 });
    await connected.session.close();
    return result;
  };
  /** How reaching a node fails: at connect, or at its first command for a transport that connects then. */
  const failure = async (to: Target, hosts = known(), limits = {}): Promise<ExecResult | ConnectResult> =>
    exec(bench.make(hosts, limits), to, ['true']);

  it('runs a command behind one bastion and behind two', async () => {
    const transport = bench.make(known());
    const one = await exec(transport, target([hop('near', near)]), ['sh', '-c', 'echo "$SSH_CONNECTION"; exit 3']);
    expect(one).toMatchObject({ ok: true, status: 3 });
    expect(one.ok && one.stdout.toString()).toContain(` ${node.port}\n`);
    const two = await exec(transport, target([hop('near', near), hop('far', far)]), ['cat', '/dev/null']);
    expect(two).toMatchObject({ ok: true, status: 0 });
  });

  it('logs in to a bastion once for all nodes behind it, also when they come at once', async () => {
    const bastion = await proxied(near);
    const behind = await proxied(node);
    const transport = bench.make(known());
    const via = [hop('near', near, { port: bastion.port })];
    const results = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((n) =>
        exec(transport, target(via, { nodeId: `edge-00${n}`, port: behind.port }), ['echo', String(n)]),
      ),
    );
    expect(results.map((result) => result.ok && result.stdout.toString())).toEqual([
      '1\n',
      '2\n',
      '3\n',
      '4\n',
      '5\n',
      '6\n',
    ]);
    expect(bastion.connections).toBe(1);
    expect(behind.connections).toBe(6);
  });

  it('confirms over a new connection to the node’s own sshd and may use the bastion’s again', async () => {
    const bastion = await proxied(near);
    const behind = await proxied(node);
    const transport = bench.make(known());
    const to = target([hop('near', near, { port: bastion.port })], { port: behind.port });
    for (const fresh of [false, false, true]) {
      expect(await exec(transport, to, ['true'], fresh)).toMatchObject({ ok: true, status: 0 });
    }
    expect([bastion.connections, behind.connections]).toEqual([1, 2]);
  });

  it('keeps to a bastion’s number of connections: idle ones make room', async () => {
    const transport = bench.make(known());
    const via = [hop('near', near, { channels: 2, handshakes: 1 })];
    const results = await Promise.all(
      [1, 2, 3, 4, 5].map((n) => exec(transport, target(via, { nodeId: `edge-00${n}` }), ['true'])),
    );
    expect(results.map((result) => result.ok)).toEqual([true, true, true, true, true]);
  });

  it('names a bastion that is down', async () => {
    const result = await failure(target([hop('near', near, { port: await freePort() })]));
    expect(result).toMatchObject({ ok: false, kind: 'refused', bastion: 'near', sent: false });
    expect(!result.ok && result.message).toContain('bastion near');
  });

  it('names a bastion that is not in known_hosts', async () => {
    const result = await failure(target([hop('near', near)]), pinOf('edge-*', node));
    expect(result).toMatchObject({ ok: false, kind: 'host-key-unknown', bastion: 'near', sent: false });
  });

  it('names a bastion with another host key than the pinned one', async () => {
    const result = await failure(target([hop('near', near)]), pinOf('edge-*', node) + pinOf('near', far));
    expect(result).toMatchObject({ ok: false, kind: 'host-key-changed', bastion: 'near', sent: false });
  });

  it('names a bastion that rejects the key', async () => {
    const stranger = makeKey(join(near.dir, `stranger-${kind}`));
    const result = await failure(target([hop('near', near, { identityFiles: [stranger.path] })]));
    expect(result).toMatchObject({ ok: false, kind: 'auth', bastion: 'near', sent: false });
  });

  it('names the second bastion of a chain when that is the one', async () => {
    const result = await failure(target([hop('near', near), hop('far', far, { port: await freePort() })]));
    expect(result).toMatchObject({ ok: false, kind: 'refused', bastion: 'far', sent: false });
  });

  it('names a bastion that forbids forwarding', async () => {
    const result = await failure(target([hop('strict', strict)]));
    expect(result).toMatchObject({ ok: false, kind: 'forward-refused', bastion: 'strict', sent: false });
  });

  it('blames the node, not the bastion, when it is the node that refuses', async () => {
    const result = await failure(target([hop('near', near)], { port: await freePort() }));
    expect(result).toMatchObject({ ok: false, kind: 'refused', sent: false });
    expect(result).not.toHaveProperty('bastion');
    const name = await failure(target([hop('near', near)], { host: 'no-such-node.invalid' }));
    expect(name).toMatchObject({ ok: false, kind: 'dns', sent: false });
    expect(name).not.toHaveProperty('bastion');
  });

  it('checks the node’s own host key behind a bastion, and its own login', async () => {
    const changed = await failure(target([hop('near', near)]), pinOf('edge-*', far) + pinOf('near', near));
    expect(changed).toMatchObject({ ok: false, kind: 'host-key-changed', sent: false });
    expect(changed).not.toHaveProperty('bastion');
    const auth = await failure(target([hop('near', near)], { identityFiles: [near.userKey.path] }));
    expect(auth).toMatchObject({ ok: false, kind: 'auth', sent: false });
    expect(auth).not.toHaveProperty('bastion');
  });

  it('is lost together with its bastion, and comes back through a new connection to it', async () => {
    const bastion = await startProxy(near.port);
    const via = [hop('near', near, { port: bastion.port })];
    const transport = bench.make(known());
    const connected = await transport.connect(target(via));
    if (!connected.ok) throw new Error(connected.message);
    const begun = join(node.dir, `begun-${kind}`);
    const argv = ['sh', '-c', ': > "$0"; exec sleep 600', begun];
    const running = connected.session.exec({ argv, timeoutMs: 60_000 });
    await until('the command has begun', () => existsSync(begun));
    await bastion.close();
    expect(await running).toMatchObject({ ok: false, kind: 'closed', sent: true, bastion: 'near' });
    const again = await proxied(near);
    expect(await exec(transport, target([hop('near', near, { port: again.port })]), ['true'])).toMatchObject({
      ok: true,
    });
  });
});
