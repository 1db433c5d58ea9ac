import { readFileSync, readdirSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { bundleTag } from '../../../src/bundle/oci.js';
import { fetchOciBundle } from '../../../src/bundle/oci-fetch.js';
import { pushBundles } from '../../../src/bundle/oci-push.js';
import { packBundle } from '../../../src/bundle/pack.js';
import { renderStatement } from '../../../src/bundle/statement.js';
import { openBundleStore } from '../../../src/bundle/store.js';
import { demoDriver, Workshop } from '../../helpers/bundle-fixtures.js';
import type { DockerRegistry } from '../../helpers/docker-registry.js';
import { startDockerRegistry } from '../../helpers/docker-registry.js';
import { elf } from '../../helpers/elf.js';
import { FaultyRegistry } from '../../helpers/faulty-registry.js';
import type { LabFleet } from '../../helpers/lab-fleet.js';
import { labFleet } from '../../helpers/lab-fleet.js';
import { noise, testSettings } from '../../helpers/oci.js';
import { requires } from '../../helpers/requires.js';

const shop = new Workshop();
afterAll(() => shop.remove());

describe('a bundle in a registry', () => {
  let registry: FaultyRegistry;
  let digest: string;
  let archive: Buffer;
  const source = () => `oci://${registry.host}/edge/runtimes`;
  const store = openBundleStore(shop.fresh());

  beforeAll(async () => {
    const program = shop.file('demo', Buffer.concat([elf({ machine: 62 }), noise(600_000)]));
    const packed = await packBundle({ driver: demoDriver, source: program, version: '1.0', scratch: shop.fresh() });
    archive = readFileSync(packed.path);
    ({ digest } = packed);
    await store.add({
      archive: packed.path,
      statement: renderStatement({ ...packed, series: 1 }),
      signature: 'signature',
    });
    registry = await new FaultyRegistry().start();
    const to = { registry: registry.host, repository: 'edge/runtimes' };
    const push = async () => await pushBundles({ store, bundles: await store.list(), to, settings: testSettings() });
    expect((await push())[0]).toMatchObject({ component: 'demo', tag: bundleTag(digest) });
    // The same bundle makes the same artifact: nothing is sent again.
    expect((await push())[0]?.sent).toBe(0);
  });
  afterEach(() => (registry.fault = undefined));
  afterAll(async () => registry?.stop());

  function fetchInto(dir: string, verify: () => Promise<unknown> = () => Promise.resolve(), wanted = digest) {
    const { signal } = new AbortController();
    return fetchOciBundle({ source: source(), digest: wanted, store: openBundleStore(dir), verify, signal, env: {} });
  }

  test('comes back as it went, and the next time asks nobody', async () => {
    const dir = shop.fresh();
    const bundle = await fetchInto(dir);
    expect(bundle).toMatchObject({ digest, component: 'demo', version: '1.0', signature: 'signature' });
    expect(readFileSync(bundle.path).equals(archive)).toBe(true);
    const asked = registry.seen.length;
    await fetchInto(dir);
    expect(registry.seen).toHaveLength(asked);
  });

  test('is not fetched when its signature is refused', async () => {
    const dir = shop.fresh();
    const asked = registry.seen.length;
    await expect(fetchInto(dir, () => Promise.reject(new Error('not by our key')))).rejects.toThrow('not by our key');
    expect(registry.seen.slice(asked).some(({ url }) => url.includes(digest) && url.includes('/blobs/'))).toBe(false);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('goes on where an earlier attempt ended', async () => {
    const dir = shop.fresh();
    const isArchive = (url: string): boolean => url.includes(`/blobs/sha256:${digest}`);
    const stop = new AbortController();
    const parts = path.join(dir, '.parts');
    let connections = 0;
    registry.fault = ({ url }) => {
      if (!isArchive(url)) return undefined;
      // The second connection is where this attempt ends.
      if (++connections === 2) stop.abort();
      return { cutAnswer: 200_000 };
    };
    const first = fetchOciBundle({
      ...{ source: source(), digest, store: openBundleStore(dir), signal: stop.signal, env: {} },
      verify: () => Promise.resolve(),
    });
    await expect(first).rejects.toThrow();
    expect(readdirSync(parts)).toHaveLength(1);
    registry.fault = undefined;
    const asked = registry.seen.length;
    const bundle = await fetchInto(dir);
    expect(readFileSync(bundle.path).equals(archive)).toBe(true);
    const ranges = registry.seen
      .slice(asked)
      .filter(({ url }) => isArchive(url))
      .map(({ headers }) => headers.range);
    expect(ranges).toEqual(['bytes=200000-']);
    expect(readdirSync(parts)).toEqual([]);
  });

  test('with a wrong byte is asked for from the beginning once, then refused', async () => {
    const dir = shop.fresh();
    registry.fault = ({ url }) => (url.includes(`/blobs/sha256:${digest}`) ? { corruptAt: 99 } : undefined);
    await expect(fetchInto(dir)).rejects.toMatchObject({ code: 'BUNDLE_DIGEST_MISMATCH' });
    expect(readdirSync(path.join(dir, '.parts'))).toEqual([]);
  });

  test('is refused when the tag holds another one, or an image', async () => {
    const other = 'f'.repeat(64);
    const found = registry.manifests.get(`edge/runtimes@${bundleTag(digest)}`);
    if (found !== undefined) registry.manifests.set(`edge/runtimes@${bundleTag(other)}`, found);
    await expect(fetchInto(shop.fresh(), undefined, other)).rejects.toMatchObject({ code: 'BUNDLE_DIGEST_MISMATCH' });
    const image = registry.blob('edge/runtimes', Buffer.from('{}'), 'application/vnd.oci.image.config.v1+json');
    registry.manifest('edge/runtimes', { schemaVersion: 2, config: image, layers: [] }, bundleTag(other));
    await expect(fetchInto(shop.fresh(), undefined, other)).rejects.toMatchObject({ code: 'OCI_MEDIA_TYPE' });
    await expect(fetchInto(shop.fresh(), undefined, 'e'.repeat(64))).rejects.toMatchObject({ code: 'OCI_NOT_FOUND' });
  });
});

const need = requires('docker-registry', 'ssh-keygen');

describe.skipIf(need.skip)('a rollout whose bundle is only in a registry', () => {
  let registry: DockerRegistry;
  let fleet: LabFleet;

  beforeAll(async () => {
    [registry, fleet] = await Promise.all([startDockerRegistry(), labFleet(1, 1)]);
  });
  afterAll(async () => {
    await fleet?.close();
    await registry?.stop();
  });

  test('is pushed by one operator and rolled out by another, who never had it', async () => {
    const version = '1.1.0';
    const digest = fleet.digests[version] ?? '';
    const pushed = await fleet.json('runtime', 'push', digest, `${registry.host}/edge/runtimes`);
    expect(pushed.exitCode, pushed.stdout).toBe(0);
    const { source } = pushed.envelope.result as { source: string };
    expect(source).toBe(`oci://${registry.host}/edge/runtimes`);
    const again = await fleet.json('runtime', 'push', digest, `${registry.host}/edge/runtimes`);
    expect(again.envelope.result.bundles[0].sent).toBe(0);

    const bundles = path.join(fleet.env['XDG_DATA_HOME'] ?? '', 'edgectl', 'bundles');
    await rm(path.join(bundles, digest), { recursive: true });
    const lines = [`- runtime: lab-runtime`, `  version: ${version}`, `  digest: sha256:${digest}`];
    const want = (from: string) =>
      writeFile(path.join(fleet.dir, 'runtimes.yaml'), `${lines.join('\n')}\n  source: ${from}\n`);
    const rollout = ['rollout', 'runtime', '--policy', 'quick', '--yes'];
    await want(`oci://${registry.host}/edge/nothing`);
    const refused = await fleet.json(...rollout);
    expect([refused.exitCode, refused.envelope.error?.code]).toEqual([1, 'OCI_NOT_FOUND']);
    await want(source);
    const done = await fleet.json(...rollout);
    expect(done.exitCode, done.stdout + done.stderr).toBe(0);
    expect(Object.values(await fleet.versions())).toEqual([version]);
    expect(await readdir(bundles)).toContain(digest);
  });
});
