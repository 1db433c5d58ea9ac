import { describe, expect, it } from 'vitest';
import { subsetFor } from '../../../src/cache/platforms.js';
import { indexImage, layerImage } from '../../helpers/cache-images.js';

describe('what a site needs of an image', () => {
  it('is the image of its only platform, without the index, which registries refuse without the others', () => {
    const image = indexImage(['amd64', 'arm64']);
    const subset = subsetFor(image, ['arm64']);
    expect(subset).toMatchObject({ root: image.manifests[1]?.descriptor.digest });
    expect(typeof subset === 'string' ? [] : [...subset.blobs.keys()]).toEqual(
      image.manifests[1]?.blobs.map(({ digest }) => digest),
    );
  });

  it('is the whole index for several platforms, or when all are asked for', () => {
    const image = indexImage(['amd64', 'arm64', 'riscv64']);
    for (const whole of [subsetFor(image, ['amd64', 'arm64']), subsetFor({ ...image, platforms: 'all' }, ['amd64'])])
      expect(whole).toMatchObject({ root: image.root, manifests: { length: 4 } });
  });

  it('has what refers to what is kept, and nothing that refers to something else', () => {
    const image = indexImage(['amd64', 'arm64']);
    const [amd, arm] = image.manifests;
    const signature = layerImage('signature', { subject: arm?.descriptor });
    const other = layerImage('other signature', { subject: amd?.descriptor });
    const cosign = layerImage('cosign');
    const tag = `${arm?.descriptor.digest.replace(':', '-')}.sig`;
    const all = { ...image, manifests: [...image.manifests, signature, other, cosign] };
    const subset = subsetFor({ ...all, tags: new Map([[tag, cosign.descriptor.digest]]) }, ['arm64']);
    if (typeof subset === 'string') throw new Error(subset);
    expect(subset.manifests).toEqual([arm, signature, cosign]);
    expect([...subset.tags]).toEqual([[tag, cosign.descriptor.digest]]);
  });

  it('says when there is nothing for an architecture; a module of WebAssembly is for all', () => {
    expect(subsetFor(indexImage(['amd64']), ['amd64', 'riscv64'])).toBe(
      'registry.example.org/shop/till:1 has no image for riscv64',
    );
    expect(subsetFor(indexImage(['wasm']), ['riscv64'])).toMatchObject({ manifests: { length: 2 } });
  });
});
