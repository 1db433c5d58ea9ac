import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openObservations } from '../../../src/journal/observations/open.js';
import type { ObservationStore } from '../../../src/journal/observations/store.js';
import { createNodeClient } from '../../../src/node/client.js';
import { firstLook } from '../../../src/node/first-contact.js';
import { buildKit } from '../../../src/node/kit-build.js';
import type { SweptNode } from '../../../src/operations/sweep.js';
import { sweepNodes } from '../../../src/operations/sweep.js';
import { requires } from '../../helpers/requires.js';
import { startSshd, type TestSshd } from '../../helpers/sshd.js';
import { startProxy } from '../../helpers/tcp-proxy.js';
import { endpointOf, pinOf, TransportBench } from '../../helpers/transports.js';

const need = requires('sshd');

/** Bytes of an unchanged look, everything that both sides send on the connection counted. */
const wireLimit = 12_000;

describe.skipIf(need.skip)('a sweep over real SSH', () => {
  const bench = new TransportBench('ssh');
  const dir = mkdtempSync(join(tmpdir(), 'edgectl-sweep-'));
  const command = join(dir, 'command');
  let sshd: TestSshd;
  let store: ObservationStore;
  let files = 0;

  beforeAll(async () => {
    // What a node answers is what this file does: the kit, or something else.
    sshd = await startSshd({ config: [`ForceCommand ${command}`] });
    const root = join(dir, 'root');
    const kit = join(root, 'usr/local/sbin/edgectl-node');
    mkdirSync(join(root, 'usr/local/sbin'), { recursive: true });
    mkdirSync(join(root, 'etc/edgectl'), { recursive: true });
    mkdirSync(join(root, 'var/lib/edgectl'), { recursive: true });
    writeFileSync(join(root, 'etc/edgectl/node.conf'), 'node=edge-001\nfleet=01JD8Q2V9Y3K5M7N9P1R3T5V7X\n');
    writeFileSync(kit, await buildKit({ init: 'systemd', lab: false, version: '0.1.0', builtAt: 1_700_000_000 }));
    chmodSync(kit, 0o755);
    nodeIs(`exec ${kit} observe`);
  });
  beforeEach(async () => {
    files += 1;
    store = await openObservations({ file: join(dir, `${files}.db`) });
    nodeIs(`exec ${join(dir, 'root/usr/local/sbin/edgectl-node')} observe`);
  });
  afterEach(async () => {
    await store.close();
    await bench.close();
  });
  afterAll(async () => {
    await sshd.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function nodeIs(script: string): void {
    writeFileSync(command, `#!/bin/sh\n${script}\n`);
    chmodSync(command, 0o755);
  }

  /** A new connection each time, as from one `edgectl` to the next. */
  async function sweep(
    options: { port?: number; nodes?: string[]; timeoutMs?: number; first?: boolean } = {},
  ): Promise<SweptNode[]> {
    const nodes = options.nodes ?? ['edge-001'];
    const transport = bench.make(nodes.map((node) => pinOf(node, sshd)).join(''));
    const target = (nodeId: string) => ({ ...endpointOf(nodeId, sshd), port: options.port ?? sshd.port });
    const client = createNodeClient({ transport, target });
    const timeoutMs = options.timeoutMs ?? 180_000;
    const clock = { now: () => Date.now() };
    const look = options.first === true ? { firstLook: firstLook(client, { timeoutMs }) } : {};
    const swept = await sweepNodes(client, nodes, { store, clock, timeoutMs, ...look });
    await transport.close();
    return swept;
  }

  it('keeps everything the first time, and costs at most 12 kB on the wire the second, handshake included', async () => {
    const first = await sweep();
    expect(first).toMatchObject([{ ok: true, kit: true, same: 0, dark: [] }]);
    const proxy = await startProxy(sshd.port);
    try {
      const second = await sweep({ port: proxy.port });
      expect(second).toMatchObject([{ ok: true, changed: 0, same: 21, dark: [] }]);
      const [sent, received] = [proxy.fromClient().length, proxy.fromServer().length];
      expect(proxy.connections).toBe(1);
      expect(sent + received).toBeGreaterThan(1000);
      expect(sent + received, `${sent} sent, ${received} received`).toBeLessThanOrEqual(wireLimit);
    } finally {
      await proxy.close();
    }
    const latest = await store.latest();
    expect(latest.find(({ attribute }) => attribute === 'kernel.release')?.value).toBe(
      (await import('node:os')).release(),
    );
    expect(await store.contacts()).toMatchObject([{ node: 'edge-001', reached: true }]);
  });

  it.each([
    ['floods', 'yes flood', 'protocol'],
    ['floods with lines of the protocol', `yes '{"t":"a","n":"os.id","v":"x"}'`, 'protocol'],
    [
      'is cut off in its answer',
      `printf '{"t":"section","name":"os","digest":"0123456789abcdef"}\\n{"t":"a","n":"os'`,
      'protocol',
    ],
    [
      'hangs in its answer',
      `printf '{"t":"section","name":"os","digest":"0123456789abcdef"}\\n'; exec sleep 1000`,
      'command-timeout',
    ],
  ])('says of a node that %s that it was not seen, and keeps nothing of it', async (_, script, why) => {
    await sweep();
    const before = await store.latest();
    nodeIs(script);
    const timeoutMs = why === 'command-timeout' ? 3000 : 180_000;
    expect(await sweep({ timeoutMs })).toMatchObject([{ ok: false, why }]);
    expect(await store.latest()).toEqual(before);
    expect(await store.contacts()).toMatchObject([{ reached: why === 'protocol' }]);
  });

  it('sees the others when one hangs, and not later than it gives up on that one', async () => {
    const nodes = Array.from({ length: 6 }, (_, n) => `edge-00${n + 1}`);
    // The first one to come hangs.
    nodeIs(`if mkdir ${dir}/hung 2>/dev/null; then exec sleep 1000; fi
printf '{"t":"section","name":"os","digest":"0123456789abcdef"}\\n{"t":"a","n":"os.id","v":"debian"}\\n{"t":"end","ok":true}\\n'`);
    const swept = await sweep({ nodes, timeoutMs: 30_000 });
    expect(swept.map(({ ok }) => ok).sort()).toEqual([false, true, true, true, true, true]);
    expect(await store.latest()).toHaveLength(5);
  });

  it('looks without privilege where the kit is from before the verb', async () => {
    nodeIs(`case $SSH_ORIGINAL_COMMAND in
*edgectl-node*) echo 'edgectl-node: usage: edgectl-node hello|facts' >&2; exit 1 ;;
*) exec sh -s ;;
esac`);
    expect(await sweep()).toMatchObject([{ ok: false, why: 'protocol' }]);
    expect(await sweep({ first: true })).toMatchObject([{ ok: true, kit: false }]);
    expect((await store.latest()).find(({ attribute }) => attribute === 'os.id')?.value).toBeDefined();
  });

  it('says how far a clock is off, and dates nothing by it', async () => {
    const began = Date.now();
    nodeIs(`printf '{"t":"section","name":"boot","digest":"0123456789abcdef"}\\n{"t":"a","n":"boot.id","v":"x"}\\n'
printf '{"t":"now","n":"clock.time","v":"86400"}\\n{"t":"end","ok":true}\\n'`);
    await sweep();
    const latest = await store.latest();
    const offset = latest.find(({ attribute }) => attribute === 'clock.offset')?.value;
    expect(Number(offset)).toBe(Number((-began / 1000).toPrecision(1)));
    for (const { seenAt, since } of latest) {
      expect(Date.parse(seenAt)).toBeGreaterThanOrEqual(began - 1000);
      expect(since).toBe(seenAt);
    }
  });
});
