import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { inspectArchive } from '../../../src/bundle/inspect.js';
import { packBundle } from '../../../src/bundle/pack.js';
import { renderStatement } from '../../../src/bundle/statement.js';
import { openBundleStore } from '../../../src/bundle/store.js';
import { demoDriver, program, tarGzOf, tarOf, Workshop } from '../../helpers/bundle-fixtures.js';

const shop = new Workshop();
afterAll(() => shop.remove());

async function bundle(version: string, series = 1) {
  const source = shop.file('demo', program(version));
  const packed = await packBundle({ driver: demoDriver, source, version, scratch: shop.fresh() });
  return { archive: packed.path, statement: renderStatement({ ...packed, series }), signature: 'signature', packed };
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describe('the store', () => {
  test('is empty where there is no directory', async () => {
    expect(await openBundleStore(path.join(shop.dir, 'nothing')).list()).toEqual([]);
  });

  test('gives back what was added, by digest, by name, and in part', async () => {
    const store = openBundleStore(shop.fresh());
    const made = await bundle('1.0');
    const bytes = readFileSync(made.archive);
    const added = await store.add(made);
    expect(added).toMatchObject({
      component: 'demo',
      version: '1.0',
      arch: 'amd64',
      size: bytes.length,
      signature: 'signature',
    });
    expect(await store.get(added.digest)).toEqual(added);
    expect(await store.find('demo', '1.0', 'amd64')).toEqual(added);
    expect(await store.find('demo', '1.0', 'arm64')).toBeUndefined();
    expect((await collect(store.read(added.digest, 0))).equals(bytes)).toBe(true);
    expect((await collect(store.read(added.digest, 10, 20))).equals(bytes.subarray(10, 30))).toBe(true);
    expect((await collect(store.read(added.digest, bytes.length))).length).toBe(0);
  });

  test('lists the older series first, and takes the newest of two with one version', async () => {
    const store = openBundleStore(shop.fresh());
    await store.add(await bundle('2.0', 20));
    await store.add(await bundle('1.0', 10));
    const source = shop.file('demo', program('rebuilt'));
    const rebuilt = await packBundle({ driver: demoDriver, source, version: '1.0', scratch: shop.fresh() });
    await store.add({ archive: rebuilt.path, statement: renderStatement({ ...rebuilt, series: 30 }), signature: 's' });
    expect((await store.list()).map((each) => each.series)).toEqual([10, 20, 30]);
    expect((await store.find('demo', '1.0', 'amd64'))?.digest).toBe(rebuilt.digest);
  });

  test('leaves nothing behind when the archive is not what the statement promises, and names both digests', async () => {
    const dir = shop.fresh();
    const made = await bundle('1.0');
    writeFileSync(made.archive, 'something else');
    await expect(openBundleStore(dir).add(made)).rejects.toMatchObject({
      code: 'BUNDLE_DIGEST_MISMATCH',
      exitCode: 4,
      data: { promised: made.packed.digest },
    });
    expect(readdirSync(dir)).toEqual([]);
  });

  test('adding twice changes nothing; adding over a damaged copy mends it', async () => {
    const dir = shop.fresh();
    const store = openBundleStore(dir);
    const first = await store.add(await bundle('1.0'));
    expect(await store.add(await bundle('1.0'))).toEqual(first);
    writeFileSync(first.path, 'rotten');
    await expect(openBundleStore(dir).check(first.digest)).rejects.toMatchObject({ code: 'BUNDLE_DIGEST_MISMATCH' });
    await store.add(await bundle('1.0'));
    await expect(openBundleStore(dir).check(first.digest)).resolves.toEqual(first);
    expect(readdirSync(dir)).toEqual([first.digest]);
  });

  test('gives out no byte of an archive that changed on disk', async () => {
    const store = openBundleStore(shop.fresh());
    const added = await store.add(await bundle('1.0'));
    await collect(store.read(added.digest, 0));
    const bytes = readFileSync(added.path);
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
    writeFileSync(added.path, bytes);
    await expect(collect(store.read(added.digest, 0))).rejects.toMatchObject({ code: 'BUNDLE_DIGEST_MISMATCH' });
  });

  test('a damaged statement hides no other bundle, and is named', async () => {
    const store = openBundleStore(shop.fresh());
    const good = await store.add(await bundle('1.0'));
    const bad = await store.add(await bundle('2.0'));
    writeFileSync(path.join(path.dirname(bad.path), 'statement'), 'garbage');
    expect((await store.list()).map((each) => each.digest)).toEqual([good.digest]);
    expect((await store.scan()).damaged).toMatchObject([{ digest: bad.digest, error: { code: 'BUNDLE_INVALID' } }]);
  });

  test('an unknown digest is not found, and a path is not a digest', async () => {
    const store = openBundleStore(shop.fresh());
    expect(await store.get('a'.repeat(64))).toBeUndefined();
    expect(await store.get('../../etc')).toBeUndefined();
    await expect(store.check('a'.repeat(64))).rejects.toMatchObject({ code: 'BUNDLE_NOT_FOUND' });
  });
});

describe('an archive is inspected as a node does it', () => {
  const sha = '4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865';
  const driver = { name: 'driver', content: '1\n', mode: 0o644 };
  const line = `${sha} 644 driver\n`;
  test('an honest one passes', async () => {
    const archive = shop.file('b.tar.gz', await tarGzOf([{ name: 'MANIFEST', content: line }, driver]));
    await expect(inspectArchive(archive)).resolves.toMatchObject({ driver: '1\n' });
  });

  test.each([
    [
      'holds more than MANIFEST says',
      [{ name: 'MANIFEST', content: line }, driver, { name: 'files/x', content: 'x' }],
      /files\/x is in the archive/,
    ],
    [
      'holds less',
      [{ name: 'MANIFEST', content: `${line}${sha} 755 files/bin/x\n` }, driver],
      /files\/bin\/x is in MANIFEST/,
    ],
    [
      'holds other bytes',
      [
        { name: 'MANIFEST', content: line },
        { ...driver, content: '2\n' },
      ],
      /not what MANIFEST says/,
    ],
    [
      'has another mode',
      [
        { name: 'MANIFEST', content: line },
        { ...driver, mode: 0o755 },
      ],
      /not what MANIFEST says/,
    ],
    ['has a file twice', [{ name: 'MANIFEST', content: line }, driver, driver], /twice/],
    [
      'has a hard link',
      [{ name: 'MANIFEST', content: line }, driver, { name: 'files/l', type: 'link', linkname: 'driver' }],
      /neither a file nor a link/,
    ],
    ['has no MANIFEST', [driver], /MANIFEST/],
  ] as const)('one that %s is refused', async (_what, members, message) => {
    const archive = shop.file('b.tar.gz', await tarGzOf(members as never));
    await expect(inspectArchive(archive)).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      message: expect.stringMatching(message),
    });
  });

  test('one that is cut off, or no archive, is refused', async () => {
    const tar = await tarOf([{ name: 'MANIFEST', content: line }, driver]);
    await expect(inspectArchive(shop.file('b', gzipSync(tar).subarray(0, 50)))).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
    });
    await expect(inspectArchive(shop.file('b', 'hello'))).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });
});
