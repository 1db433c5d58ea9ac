import type { Descriptor, Manifest } from '../registry/manifest.js';
import type { CacheImage } from './types.js';

/** The part of an image that a site needs. */
export interface Subset {
  root: string;
  /** Children before parents. */
  manifests: readonly Manifest[];
  blobs: ReadonlyMap<string, Descriptor>;
  tags: ReadonlyMap<string, string>;
}

/**
 * What nodes of these architectures need of an image; a string says why there is nothing for them. An index can only be kept whole
 * (registries refuse one whose images are missing): with one wanted platform the tag names that image, with several the index and all
 * its images are kept. Pure.
 */
export function subsetFor(image: CacheImage, architectures: readonly string[]): Subset | string {
  const known = new Map(image.manifests.map((each) => [each.descriptor.digest, each]));
  const root = known.get(image.root);
  if (root === undefined) return `${image.name} has no root`;
  const platforms = root.manifests.filter(isImage);
  if (image.platforms === 'all' || platforms.length === 0) return reach(image, known, image.root);
  const wanted = platforms.filter(({ platform }) => {
    const architecture = platform?.architecture ?? '';
    return architecture === '' || architecture === 'wasm' || architectures.includes(architecture);
  });
  const there = new Set(wanted.map(({ platform }) => platform?.architecture));
  const without = architectures.filter((each) => !there.has(each) && !there.has('wasm') && !there.has(undefined));
  if (without.length > 0) return `${image.name} has no image for ${without.join(', ')}`;
  const [only, ...more] = wanted;
  return reach(
    image,
    known,
    only !== undefined && more.length === 0 && platforms.length > 1 ? only.digest : image.root,
  );
}

/** Attestations that builders put into an index beside the images have no platform that anything runs on. */
function isImage({ platform }: Descriptor): boolean {
  return platform?.architecture !== 'unknown';
}

function reach(image: CacheImage, known: ReadonlyMap<string, Manifest>, root: string): Subset {
  const kept = new Set<string>();
  const add = (digest: string): void => {
    const manifest = known.get(digest);
    if (manifest === undefined || kept.has(digest)) return;
    kept.add(digest);
    for (const child of manifest.manifests) add(child.digest);
  };
  add(root);
  const tags = new Map<string, string>();
  // What says something about what is kept is kept; and what says something about that.
  for (let before = -1; before < kept.size;) {
    before = kept.size;
    for (const { subject, descriptor } of image.manifests)
      if (subject !== undefined && kept.has(subject.digest)) add(descriptor.digest);
    for (const [tag, digest] of image.tags) {
      if (![...kept].some((each) => tag.startsWith(`${each.replace(':', '-')}.`))) continue;
      tags.set(tag, digest);
      add(digest);
    }
  }
  const manifests = image.manifests.filter(({ descriptor }) => kept.has(descriptor.digest));
  const blobs = new Map(manifests.flatMap(({ blobs: own }) => own.map((blob) => [blob.digest, blob] as const)));
  return { root, manifests, blobs, tags };
}
