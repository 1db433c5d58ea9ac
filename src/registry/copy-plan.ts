import type { Descriptor } from './manifest.js';
import type { Graph } from './walk.js';

/** What a target has already, as far as it was asked. */
export interface Held {
  blobs: ReadonlySet<string>;
  manifests: ReadonlySet<string>;
  /** Repositories of the same registry that have a blob, by digest. */
  elsewhere?: ReadonlyMap<string, string>;
  /** Bytes that a begun upload has, by digest. */
  partial?: ReadonlyMap<string, number>;
}

/** What happens to one blob. */
export type BlobNeed = Descriptor &
  ({ action: 'have' } | { action: 'mount'; from: string } | { action: 'partial'; at: number } | { action: 'fetch' });

/** The difference between a graph and what a target has. */
export interface CopyPlan {
  root: string;
  /** The largest first: the line is never idle at the end because of one large layer. */
  blobs: readonly BlobNeed[];
  /** Digests to put, children before parents. */
  manifests: readonly string[];
  /** Bytes that have to go over the line, and bytes of everything. */
  missing: number;
  total: number;
}

/** Which bytes have to move. Pure. */
export function planCopy(graph: Graph, held: Held): CopyPlan {
  const blobs = [...graph.blobs.values()]
    .map((blob): BlobNeed => need(blob, held))
    .sort((a, b) => b.size - a.size || (a.digest < b.digest ? -1 : 1));
  const put = graph.manifests.filter(({ descriptor }) => !held.manifests.has(descriptor.digest));
  const ofManifests = sum(put.map(({ descriptor }) => descriptor.size));
  return {
    root: graph.root,
    blobs,
    manifests: put.map(({ descriptor }) => descriptor.digest),
    missing: sum(blobs.map(missingOf)) + ofManifests,
    total: sum(blobs.map(({ size }) => size)) + sum(graph.manifests.map(({ descriptor }) => descriptor.size)),
  };
}

/** Bytes of a blob that have to move. Pure. */
export function missingOf(blob: BlobNeed): number {
  if (blob.action === 'partial') return blob.size - blob.at;
  return blob.action === 'fetch' ? blob.size : 0;
}

function need(blob: Descriptor, held: Held): BlobNeed {
  if (held.blobs.has(blob.digest)) return { ...blob, action: 'have' };
  const from = held.elsewhere?.get(blob.digest);
  if (from !== undefined) return { ...blob, action: 'mount', from };
  const at = held.partial?.get(blob.digest) ?? 0;
  // A part that is larger than the whole is not a part of it.
  return at > 0 && at <= blob.size ? { ...blob, action: 'partial', at } : { ...blob, action: 'fetch' };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
