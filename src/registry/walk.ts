import { refused } from './failure.js';
import type { Descriptor, Manifest } from './manifest.js';
import { maxManifestBytes } from './manifest.js';

/** Everything below a manifest. */
export interface Graph {
  root: string;
  /** Children before parents; a manifest that has a subject comes after it. */
  manifests: readonly Manifest[];
  /** Each blob once, by digest. */
  blobs: ReadonlyMap<string, Descriptor>;
}

/** How far a walk goes. */
export interface WalkLimits {
  depth: number;
  manifests: number;
  /** Bytes of all manifests together. */
  manifestBytes: number;
  blobs: number;
}

export const walkLimits: WalkLimits = { depth: 8, manifests: 2000, manifestBytes: 64 * 1024 * 1024, blobs: 20_000 };

/** What a walk asks of the place that it walks in. */
export interface WalkSource {
  /** For errors. */
  where: string;
  manifest(descriptor: Descriptor): Promise<Manifest>;
  /** Manifests whose subject this is; leave it out to copy no signatures. */
  referrers?(subject: Descriptor): Promise<readonly Descriptor[]>;
}

/**
 * Reads a manifest and all that hangs on it: the images of an index, config and layers, and what refers to each of them.
 * Throws OCI_INDEX_LOOP, OCI_GRAPH_TOO_LARGE, and what the source throws.
 */
export async function walk(source: WalkSource, root: Descriptor, limits: WalkLimits = walkLimits): Promise<Graph> {
  const manifests = new Map<string, Manifest>();
  const blobs = new Map<string, Descriptor>();
  let bytes = 0;
  const tooLarge = (what: string) => refused('OCI_GRAPH_TOO_LARGE', `${source.where}@${root.digest}`, `it has ${what}`);

  const visit = async (descriptor: Descriptor, above: readonly string[], subject?: string): Promise<void> => {
    const { digest } = descriptor;
    if (above.includes(digest))
      throw refused('OCI_INDEX_LOOP', `${source.where}@${root.digest}`, `the index ${digest} contains itself`);
    if (manifests.has(digest)) return;
    if (above.length >= limits.depth) throw tooLarge(`more than ${limits.depth} levels`);
    if (descriptor.size > maxManifestBytes)
      throw refused('OCI_MANIFEST_TOO_LARGE', `${source.where}@${digest}`, `it promises ${descriptor.size} bytes`);
    const manifest = await source.manifest(descriptor);
    // A list of referrers is only somebody's word; what does not name the subject itself does not belong to it.
    if (subject !== undefined && manifest.subject?.digest !== subject) return;
    bytes += manifest.raw.length;
    if (bytes > limits.manifestBytes) throw tooLarge(`more than ${limits.manifestBytes} bytes of manifests`);
    for (const child of manifest.manifests) await visit(child, [...above, digest]);
    for (const blob of manifest.blobs) addBlob(blobs, blob, source.where);
    if (blobs.size > limits.blobs) throw tooLarge(`more than ${limits.blobs} blobs`);
    manifests.set(digest, manifest);
    if (manifests.size > limits.manifests) throw tooLarge(`more than ${limits.manifests} manifests`);
    for (const referrer of (await source.referrers?.(manifest.descriptor)) ?? [])
      await visit(referrer, [...above, digest], digest);
  };
  await visit(root, []);
  return { root: root.digest, manifests: [...manifests.values()], blobs };
}

function addBlob(blobs: Map<string, Descriptor>, blob: Descriptor, where: string): void {
  const known = blobs.get(blob.digest);
  if (known !== undefined && known.size !== blob.size)
    throw refused('OCI_MANIFEST_INVALID', where, `${blob.digest} is ${known.size} and ${blob.size} bytes long`);
  blobs.set(blob.digest, blob);
}
