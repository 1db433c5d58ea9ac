import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pushParts } from '../../../src/cache/push-parts.js';
import { verifySite } from '../../../src/cache/verify.js';
import { RegistryClient } from '../../../src/registry/client.js';
import { listReferrers } from '../../../src/registry/referrers.js';
import { CacheBench } from '../../helpers/cache-bench.js';
import type { DockerRegistry } from '../../helpers/docker-registry.js';
import { startDockerRegistry } from '../../helpers/docker-registry.js';
import { FaultyRegistry } from '../../helpers/faulty-registry.js';
import { startLink, type Link } from '../../helpers/link.js';
import { imageType, noise, putImage, testSettings } from '../../helpers/oci.js';
import { requires } from '../../helpers/requires.js';
import { until } from '../../helpers/until.js';

const need = requires('docker-registry', 'skopeo', 'curl');
const shell = promisify(execFile);
const megabyte = 1_000_000;

describe.skipIf(need.skip)('a job that fills a real docker-registry', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'edgectl-cache-'));
  let site: DockerRegistry;
  let central: FaultyRegistry;
  let line: Link;
  let bench: CacheBench;
  let client: RegistryClient;

  beforeAll(async () => {
    writeFileSync(join(scratch, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
    site = await startDockerRegistry();
    client = new RegistryClient(site.host, testSettings());
  });
  beforeEach(async () => {
    central = await new FaultyRegistry({ referrers: true }).start();
    line = await startLink(Number(central.host.split(':')[1]));
    bench = new CacheBench(`http://${site.host}`);
  });
  afterEach(async () => {
    await Promise.all([central.stop(), line.close()]);
    bench.close();
  });
  afterAll(async () => {
    await client?.close();
    await site?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** skopeo verifies every digest on the way to a directory. */
  const pull = async (name: string): Promise<unknown> =>
    await shell('skopeo', [
      ...['--policy', join(scratch, 'policy.json'), 'copy', '--src-tls-verify=false'],
      ...[`docker://${site.host}/${name}`, `dir:${scratch}/${name.replace(/\W/g, '-')}`],
    ]);
  const read = async (name: string) => await bench.read(`${line.host}/${name}`);

  it('goes on where the link was cut, tags last, and skopeo pulls it', async () => {
    putImage(central, 'cut/app', [noise(6 * megabyte, 3), noise(megabyte, 4)], '1');
    const images = await read('cut/app:1');
    const before = line.carried();
    line.throttle(megabyte / 2);
    const { job } = await bench.start(images);
    await until('some of it is there', () => bench.parts(), { good: (bytes) => bytes > 2 * megabyte });
    line.cut();
    await until('the job notices', () => bench.events(job).some(({ t }) => t === 'waiting'));
    expect(await client.headManifest('cut/app', '1')).toBeUndefined();
    line.throttle(undefined);
    line.mend();
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    expect(line.carried() - before).toBeLessThan(7 * megabyte * 1.05);
    expect((await client.headManifest('cut/app', '1'))?.digest).toBe(images[0]?.root);
    await pull('cut/app:1');
  });

  it('brings signatures along, and lists them where there is no referrers API beside what the site listed', async () => {
    const image = putImage(central, 'signed/app', [noise(300_000, 5)], '1');
    const sign = (text: string) => {
      const layer = central.blob('signed/app', Buffer.from(text), 'application/vnd.test.signature');
      const config = central.blob('signed/app', Buffer.from('{}'), 'application/vnd.oci.empty.v1+json');
      const mediaType = imageType;
      const artifactType = 'application/vnd.test.signature';
      return central.manifest('signed/app', {
        ...{ schemaVersion: 2, mediaType, artifactType, config, layers: [layer], subject: image },
      });
    };
    const first = sign('first');
    const fill = async (): Promise<void> => {
      const { job } = await bench.start(await read('signed/app:1'));
      expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    };
    const listed = async (): Promise<string[]> =>
      (await listReferrers(client, 'signed/app', image.digest)).map(({ digest }) => digest);
    await fill();
    expect(await listed()).toEqual([first.digest]);
    const second = sign('second');
    central.manifests.delete(`signed/app@${first.digest}`);
    await fill();
    expect((await listed()).sort()).toEqual([first.digest, second.digest].sort());
    const plan = await bench.plan(await read('signed/app:1'));
    expect(plan.images[0]).toMatchObject({ missing: 0, put: [], tags: [] });
  });

  it('mounts what another repository of the site has, and moves none of its bytes twice', async () => {
    const shared = noise(2 * megabyte, 6);
    putImage(central, 'shared/one', [shared], '1');
    putImage(central, 'shared/two', [shared, noise(100_000, 7)], '1');
    const images = [...(await read('shared/one:1')), ...(await read('shared/two:1'))];
    const before = line.carried();
    const plan = await bench.plan(images);
    expect(plan.images[1]?.blobs[0]).toMatchObject({ action: 'mount', from: 'shared/one' });
    const { job } = await bench.start(images);
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    expect(line.carried() - before).toBeLessThan(2.2 * megabyte);
    await pull('shared/two:1');
  });

  it('is fed over SSH where the site does not reach the source, from where the part ends', async () => {
    putImage(central, 'pushed/app', [noise(2 * megabyte, 8)], '1');
    const images = await read('pushed/app:1');
    const edit = <T extends object>(plan: T) => ({ ...plan, executor: 'push' as const });
    const push = async (signal: AbortSignal, onSent: (bytes: number) => void) => {
      const options = { settings: testSettings(), spool: bench.spool, signal, onSent };
      return await pushParts(bench.site, await bench.plan(images, { edit }), images, options);
    };
    let sent = 0;
    const cut = push(new AbortController().signal, (bytes) => {
      sent += bytes;
      if (sent > megabyte) throw new Error('the laptop was closed');
    });
    await expect(cut).rejects.toThrow('the laptop was closed');
    const at = bench.parts();
    expect(at).toBeGreaterThan(0);
    let rest = 0;
    expect(await push(new AbortController().signal, (bytes) => (rest += bytes))).toBeUndefined();
    const total = images[0]?.manifests[0]?.blobs.reduce((sum, { size }) => sum + size, 0) ?? 0;
    expect(rest).toBe(total - at);
    const { job } = await bench.start(images, { edit });
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    await pull('pushed/app:1');
  });

  it('finds bytes that changed on the disk of the site, without a byte over the line', async () => {
    putImage(central, 'deep/app', [noise(500_000, 9)], '1');
    const images = await read('deep/app:1');
    const { job } = await bench.start(images);
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    const plan = await bench.plan(images);
    const options = { deep: true, credentials: '', spool: bench.spool, signal: new AbortController().signal };
    const before = line.carried();
    expect(await verifySite(bench.site, plan, images, options)).toMatchObject({ ok: true, read: 2, wrong: [] });
    const hex = images[0]?.manifests[0]?.blobs[1]?.digest.slice(7) ?? '';
    const file = join(site.dir, 'data/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
    writeFileSync(file, noise(500_000, 10));
    expect(await verifySite(bench.site, plan, images, options)).toMatchObject({ ok: false, wrong: [`sha256:${hex}`] });
    expect(line.carried()).toBe(before);
  });
});
