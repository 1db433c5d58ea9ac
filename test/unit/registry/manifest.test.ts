import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/registry/digest.js';
import type { Manifest } from '../../../src/registry/manifest.js';
import { isSafeTitle, parseManifest } from '../../../src/registry/manifest.js';
import { walk, walkLimits } from '../../../src/registry/walk.js';
import { imageType, indexType } from '../../helpers/oci.js';

const blob = (more: object = {}) => ({
  mediaType: 'application/vnd.oci.image.layer.v1.tar',
  digest: `sha256:${'a'.repeat(64)}`,
  size: 3,
  ...more,
});
const image = (more: object = {}) => ({
  schemaVersion: 2,
  mediaType: imageType,
  config: blob(),
  layers: [blob()],
  ...more,
});

function parse(json: unknown, served: string | undefined = imageType): Manifest {
  const raw = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
  return parseManifest(raw, digestOf(raw), served, 'r.example/a');
}

describe('a manifest', () => {
  test('keeps its bytes, and the blobs of an artifact of any kind', () => {
    const text = JSON.stringify(
      image({ artifactType: 'application/vnd.wasm', layers: [blob({ mediaType: 'application/wasm' })] }),
      null,
      3,
    );
    const found = parse(text);
    expect(found.raw.toString()).toBe(text);
    expect(found).toMatchObject({ artifactType: 'application/vnd.wasm', descriptor: { size: text.length } });
    expect(found.blobs.map(({ mediaType }) => mediaType)).toContain('application/wasm');
  });

  test.each([
    ['not JSON', 'hello', 'OCI_MANIFEST_INVALID'],
    ['null', 'null', 'OCI_MANIFEST_INVALID'],
    ['schema version 1', { schemaVersion: 1 }, 'OCI_MANIFEST_INVALID'],
    ['a digest that is none', image({ layers: [blob({ digest: '../../etc/passwd' })] }), 'OCI_MANIFEST_INVALID'],
    ['a negative size', image({ layers: [blob({ size: -1 })] }), 'OCI_MANIFEST_INVALID'],
    ['a size beyond what numbers hold', image({ layers: [blob({ size: 1e300 })] }), 'OCI_MANIFEST_INVALID'],
    ['index and image at once', image({ manifests: [] }), 'OCI_MANIFEST_INVALID'],
    ['an image without layers', { schemaVersion: 2, mediaType: imageType, config: blob() }, 'OCI_MANIFEST_INVALID'],
    [
      'an index that calls itself an image',
      { schemaVersion: 2, mediaType: imageType, manifests: [] },
      'OCI_MANIFEST_INVALID',
    ],
    ['another type than it is served as', { schemaVersion: 2, mediaType: indexType, manifests: [] }, 'OCI_MEDIA_TYPE'],
    [
      'docker schema 1',
      image({ mediaType: 'application/vnd.docker.distribution.manifest.v1+prettyjws' }),
      'OCI_MEDIA_TYPE',
    ],
    ['a manifest as a layer', image({ layers: [blob({ mediaType: imageType })] }), 'OCI_MEDIA_TYPE'],
    [
      'a foreign layer',
      image({ layers: [blob({ mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' })] }),
      'OCI_FOREIGN_LAYER',
    ],
    [
      'a non-distributable layer',
      image({ layers: [blob({ mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar' })] }),
      'OCI_FOREIGN_LAYER',
    ],
    [
      'a layer with addresses',
      image({ layers: [blob({ urls: ['https://elsewhere.example/x'] })] }),
      'OCI_FOREIGN_LAYER',
    ],
    [
      'a title that climbs',
      image({ layers: [blob({ annotations: { 'org.opencontainers.image.title': '../x' } })] }),
      'OCI_TITLE_UNSAFE',
    ],
  ])('with %s is refused by name', (_what, json, code) => {
    expect(() => parse(json)).toThrow(expect.objectContaining({ code }) as Error);
  });

  test('in invalid UTF-8 is refused', () => {
    const raw = Buffer.concat([Buffer.from('{"schemaVersion":2,"x":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(() => parseManifest(raw, digestOf(raw), imageType, 'r')).toThrow('is not JSON');
  });

  test.each(['/etc/x', '..', 'a/../b', './a', 'a//b', 'a\\b', 'a\0b', '', 'C:x', 'a/', 'x'.repeat(256), 'a\nb'])(
    'a file may not be called %j',
    (title) => expect(isSafeTitle(title)).toBe(false),
  );
  test.each(['a', 'dir/a.wasm', '..a', 'a..b', 'ä'])('a file may be called %j', (title) =>
    expect(isSafeTitle(title)).toBe(true),
  );
});

describe('a walk', () => {
  const digest = (n: number): string => `sha256:${String(n).padStart(64, '0')}`;
  const index = (n: number, children: number[], subject?: number): Manifest => ({
    descriptor: { mediaType: indexType, digest: digest(n), size: 10 },
    raw: Buffer.alloc(10),
    manifests: children.map((child) => ({ mediaType: indexType, digest: digest(child), size: 10 })),
    blobs: [],
    annotations: {},
    ...(subject === undefined ? {} : { subject: { mediaType: indexType, digest: digest(subject), size: 10 } }),
  });
  const source = (all: Manifest[], referrers: Record<string, number[]> = {}) => ({
    where: 'r.example/a',
    manifest: (wanted: { digest: string }) =>
      Promise.resolve(all.find(({ descriptor }) => descriptor.digest === wanted.digest) as Manifest),
    referrers: (subject: { digest: string }) =>
      Promise.resolve((referrers[subject.digest] ?? []).map((n) => index(n, []).descriptor)),
  });

  test('brings children before their parents, each once', async () => {
    const all = [index(1, [2, 3]), index(2, [4]), index(3, [4]), index(4, [])];
    const graph = await walk(source(all), index(1, []).descriptor);
    expect(graph.manifests.map(({ descriptor }) => descriptor.digest)).toEqual([4, 2, 3, 1].map(digest));
  });

  test('takes what names the image as its subject, and nothing that somebody merely lists', async () => {
    const all = [index(1, []), index(2, [], 1), index(3, [], 9)];
    const graph = await walk(source(all, { [digest(1)]: [2, 3] }), index(1, []).descriptor);
    expect(graph.manifests.map(({ descriptor }) => descriptor.digest)).toEqual([1, 2].map(digest));
  });

  test('refuses an index that contains itself, also over corners', async () => {
    const all = [index(1, [2]), index(2, [3]), index(3, [1])];
    await expect(walk(source(all), index(1, []).descriptor)).rejects.toMatchObject({ code: 'OCI_INDEX_LOOP' });
  });

  test('goes no deeper and takes no more than its limits', async () => {
    const deep = Array.from({ length: 10 }, (_, n) => index(n, [n + 1]));
    await expect(walk(source(deep), index(0, []).descriptor)).rejects.toMatchObject({ code: 'OCI_GRAPH_TOO_LARGE' });
    const wide = [index(0, [1, 2, 3]), index(1, []), index(2, []), index(3, [])];
    const limits = { ...walkLimits, manifests: 2 };
    await expect(walk(source(wide), index(0, []).descriptor, limits)).rejects.toMatchObject({
      code: 'OCI_GRAPH_TOO_LARGE',
    });
    const heavy = { ...walkLimits, manifestBytes: 25 };
    await expect(walk(source(wide), index(0, []).descriptor, heavy)).rejects.toMatchObject({
      code: 'OCI_GRAPH_TOO_LARGE',
    });
  });

  test('does not fetch a manifest that promises more than 4 MiB', async () => {
    const huge = { mediaType: indexType, digest: digest(1), size: 5_000_000 };
    await expect(walk(source([]), huge)).rejects.toMatchObject({ code: 'OCI_MANIFEST_TOO_LARGE' });
  });
});
