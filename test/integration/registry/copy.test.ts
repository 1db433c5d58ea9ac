import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { EdgectlError } from '../../../src/errors/error.js';
import { RegistryClient } from '../../../src/registry/client.js';
import { closureOf } from '../../../src/registry/closure.js';
import type { CopyRequest, CopyResult } from '../../../src/registry/copy.js';
import { copy, fromRegistry } from '../../../src/registry/copy.js';
import { fileUploadJournal } from '../../../src/registry/upload-journal.js';
import type { Fault, FaultyOptions, Seen } from '../../helpers/faulty-registry.js';
import { digestOf, FaultyRegistry } from '../../helpers/faulty-registry.js';
import { imageType, indexType, noise, putImage, testSettings } from '../../helpers/oci.js';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function registry(options: FaultyOptions = {}): Promise<FaultyRegistry> {
  const started = await new FaultyRegistry(options).start();
  cleanups.push(() => started.stop());
  return started;
}

/** One copy by a process of its own, as far as registries can tell. */
async function run(
  from: FaultyRegistry,
  to: FaultyRegistry,
  name: string,
  more: Partial<CopyRequest> = {},
): Promise<CopyResult> {
  const source = new RegistryClient(from.host, testSettings());
  const target = new RegistryClient(to.host, testSettings());
  try {
    const closure = await closureOf(source, 'a', await source.getManifest('a', name));
    const content = fromRegistry(source, 'a');
    return await copy({ content, closure, target, repository: 'b', tag: 'one', ...more });
  } finally {
    await source.close();
    await target.close();
  }
}

/** An index of two images that share a layer, with a signature (a referrer) on one of them and a cosign tag on the index. */
function putIndex(registry: FaultyRegistry, size = 300_000) {
  const shared = noise(size, 7);
  const images = ['amd64', 'arm64'].map((architecture, index) => ({
    ...putImage(registry, 'a', [shared, noise(size / 3, index + 1)]),
    platform: { os: 'linux', architecture },
  }));
  const index = registry.manifest('a', { schemaVersion: 2, mediaType: indexType, manifests: images }, 'one');
  const empty = registry.blob('a', Buffer.from('{}'), 'application/vnd.oci.empty.v1+json');
  const statement = (text: string, more: object, tag?: string) =>
    registry.manifest(
      'a',
      {
        schemaVersion: 2,
        mediaType: imageType,
        config: empty,
        layers: [registry.blob('a', Buffer.from(text))],
        ...more,
      },
      tag,
    );
  const { platform: _p, ...subject } = images[0] as (typeof images)[0];
  const signature = statement('signed', { artifactType: 'application/vnd.example.signature', subject });
  const cosign = statement('cosign', {}, `${index.digest.replace(':', '-')}.sig`);
  return { index, images, signature, cosign };
}

/** What a tag leads to is there to the last byte, and every byte is right. */
function expectWhole(registry: FaultyRegistry, repository: string, digest: string): void {
  const found = registry.manifests.get(`${repository}@${digest}`);
  expect(found, digest).toBeDefined();
  if (found === undefined) return;
  expect(digestOf(found.raw)).toBe(digest);
  const {
    manifests = [],
    config,
    layers = [],
  } = JSON.parse(found.raw.toString()) as {
    manifests?: { digest: string }[];
    config?: { digest: string };
    layers?: { digest: string }[];
  };
  for (const child of manifests) expectWhole(registry, repository, child.digest);
  for (const blob of [...(config === undefined ? [] : [config]), ...layers]) {
    const bytes = registry.blobs.get(`${repository}@${blob.digest}`);
    expect(bytes && digestOf(bytes)).toBe(blob.digest);
  }
}

const tagOf = (registry: FaultyRegistry): string | undefined => {
  const found = registry.manifests.get('b@one');
  return found && digestOf(found.raw);
};

describe('a copy', () => {
  test.each([true, false])(
    'brings index, images and signatures as they are (referrers API there: %s)',
    async (referrers) => {
      const from = await registry({ referrers: true });
      const to = await registry({ referrers });
      const { index, signature, cosign } = putIndex(from);
      const result = await run(from, to, 'one');
      expectWhole(to, 'b', index.digest);
      expectWhole(to, 'b', signature.digest);
      expect(digestOf(to.manifests.get(`b@${index.digest.replace(':', '-')}.sig`)?.raw ?? Buffer.alloc(0))).toBe(
        cosign.digest,
      );
      expect(tagOf(to)).toBe(index.digest);
      expect(result.sent).toBe(result.plan.blobs.reduce((sum, { size }) => sum + size, 0));
      // What the next reader finds is the same, whichever way it looks.
      const target = new RegistryClient(to.host, testSettings());
      const closure = await closureOf(target, 'b', await target.getManifest('b', 'one'));
      await target.close();
      expect(closure.manifests.map(({ descriptor }) => descriptor.digest)).toContain(signature.digest);
      // The tag is the last thing that is set.
      const puts = to.seen.filter(({ method }) => method === 'PUT').map(({ url }) => url);
      expect(puts.at(-1)).toBe('/v2/b/manifests/one');
    },
  );

  test('sends nothing when nothing is missing, and only the new layer of a new version', async () => {
    const from = await registry();
    const to = await registry();
    const layers = [noise(400_000, 1), noise(300_000, 2)];
    putImage(from, 'a', layers, 'one');
    await run(from, to, 'one');
    const before = to.received;
    const writes = (): number => to.seen.filter(({ method }) => method === 'PUT' || method === 'POST').length;
    const written = writes();
    expect((await run(from, to, 'one')).sent).toBe(0);
    expect(to.received).toBe(before);
    expect(writes()).toBe(written);
    const newer = putImage(from, 'a', [...layers, noise(5000, 3)], 'two');
    expect((await run(from, to, 'two')).sent).toBe(5000);
    expect(tagOf(to)).toBe(newer.digest);
  });

  test('takes what another repository of the registry has', async () => {
    const from = await registry();
    const to = await registry();
    putImage(from, 'a', [noise(400_000)], 'one');
    putImage(to, 'c', [noise(400_000)]);
    const result = await run(from, to, 'one', { mountFrom: 'c' });
    expect(result).toMatchObject({ sent: 0, mounted: 2 });
    expectWhole(to, 'b', tagOf(to) ?? '');
  });

  test('goes on mid-blob in a new process: each byte goes over the line once', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'edgectl-uploads-'));
    cleanups.push(() => rmSync(dir, { recursive: true }));
    const from = await registry();
    const to = await registry();
    const { digest } = putImage(from, 'a', [noise(3_000_000, 1), noise(2_000_000, 2)], 'one');
    let cut = 0;
    // The link goes away for good in the middle of the larger layer.
    to.fault = ({ method, headers }) => {
      if (cut === 0 && method === 'PATCH' && headers['content-length'] === '3000000')
        return { cutRequest: ++cut * 1_400_000 };
      return cut > 0 && method !== 'HEAD' ? { status: 503 } : undefined;
    };
    const journal = fileUploadJournal(dir);
    await expect(run(from, to, 'one', { journal, concurrency: 1 })).rejects.toMatchObject({
      code: 'OCI_REGISTRY_FAILED',
    });
    expect(tagOf(to)).toBeUndefined();
    expect(readdirSync(dir)).toHaveLength(1);
    to.fault = undefined;
    const result = await run(from, to, 'one', { journal });
    expect(result.resumed).toBe(1);
    expect(tagOf(to)).toBe(digest);
    expectWhole(to, 'b', digest);
    expect(to.received).toBeLessThan(5_000_000 * 1.05);
    expect(readdirSync(dir)).toEqual([]);
  });

  test('one bad layer keeps no other from arriving, and nothing is tagged', async () => {
    const from = await registry();
    const to = await registry();
    const good = [noise(300_000, 1), noise(200_000, 2)];
    const bad = noise(400_000, 3);
    putImage(from, 'a', [bad, ...good], 'one');
    from.fault = ({ url }) => (url.includes(digestOf(bad)) ? { corruptAt: 9 } : undefined);
    await expect(run(from, to, 'one')).rejects.toMatchObject({ code: 'OCI_DIGEST_MISMATCH' });
    for (const layer of good) expect(to.blobs.has(`b@${digestOf(layer)}`)).toBe(true);
    expect(to.blobs.has(`b@${digestOf(bad)}`)).toBe(false);
    expect([...to.manifests.keys()]).toEqual([]);
  });

  test('fetches again what a garbage collection took meanwhile', async () => {
    const from = await registry();
    const to = await registry();
    const layer = noise(300_000);
    const { digest } = putImage(from, 'a', [layer], 'one');
    let puts = 0;
    to.fault = ({ method, url }) => {
      if (method === 'PUT' && url.includes('/manifests/') && puts++ === 0)
        queueMicrotask(() => to.blobs.delete(`b@${digestOf(layer)}`));
      return undefined;
    };
    // The manifest itself may be refused by then; what counts is that nothing incomplete is tagged.
    await run(from, to, 'one').catch(() => run(from, to, 'one'));
    expect(tagOf(to)).toBe(digest);
    expectWhole(to, 'b', digest);
  });

  test('goes on by the planned digest when the tag moves meanwhile', async () => {
    const from = await registry();
    const to = await registry();
    const { digest } = putImage(from, 'a', [noise(300_000, 1)], 'one');
    from.fault = ({ url }) => {
      if (url.includes('/blobs/')) putImage(from, 'a', [noise(10, 9)], 'one');
      return undefined;
    };
    await run(from, to, 'one');
    expect(tagOf(to)).toBe(digest);
  });
});

describe('whatever goes wrong', () => {
  const fault: fc.Arbitrary<Fault> = fc.oneof(
    fc.record({ status: fc.constantFrom(429, 500, 503, 404, 400, 401, 416, 200, 201, 202, 204, 206) }),
    fc.record({ cutAnswer: fc.nat(60_000) }),
    fc.record({ cutRequest: fc.integer({ min: 1, max: 60_000 }) }),
    fc.constant({ loseAnswer: true }),
    fc.record({ corruptAt: fc.nat(60_000) }),
    fc.constant({ ignoreRange: true }),
    fc.constant({ loseSession: true }),
  );
  /** Faults by the number of the request. */
  const weather = fc.dictionary(fc.nat(60).map(String), fault, { maxKeys: 12 });

  test('nothing wrong or incomplete is ever tagged, and good weather brings it all', async () => {
    let failures = 0;
    let successes = 0;
    await fc.assert(
      fc.asyncProperty(weather, weather, fc.boolean(), fc.boolean(), async (atSource, atTarget, referrers, lax) => {
        const from = await new FaultyRegistry({ referrers: true }).start();
        const to = await new FaultyRegistry({ referrers, lax }).start();
        const dir = mkdtempSync(path.join(tmpdir(), 'edgectl-uploads-'));
        try {
          const { index, signature } = putIndex(from, 30_000);
          from.fault = (_seen: Seen, count: number) => atSource[String(count)];
          to.fault = (_seen: Seen, count: number) => atTarget[String(count)];
          const journal = fileUploadJournal(dir);
          const check = (): void => {
            const tagged = tagOf(to);
            if (tagged !== undefined) {
              expect(tagged).toBe(index.digest);
              expectWhole(to, 'b', tagged);
            }
          };
          // Tagged means whole at every moment, not only at the end.
          const watch = to.fault;
          to.fault = (seen: Seen, count: number) => (check(), watch(seen, count));
          await run(from, to, 'one', { journal }).then(
            () => (successes++, expect(tagOf(to)).toBe(index.digest)),
            (error: unknown) => (failures++, expect(error).toBeInstanceOf(EdgectlError)),
          );
          check();
          from.fault = to.fault = undefined;
          await run(from, to, 'one', { journal });
          expect(tagOf(to)).toBe(index.digest);
          expectWhole(to, 'b', signature.digest);
          check();
        } finally {
          await from.stop();
          await to.stop();
          rmSync(dir, { recursive: true });
        }
      }),
      { numRuns: 40 },
    );
    // Weather in which everything fails, or nothing does, would prove nothing.
    expect(failures).toBeGreaterThan(0);
    expect(successes).toBeGreaterThan(0);
  }, 180_000);
});
