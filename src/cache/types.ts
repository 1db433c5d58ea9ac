import type { BlobNeed } from '../registry/copy-plan.js';
import type { Manifest } from '../registry/manifest.js';
import type { Reference } from '../registry/reference.js';

/** An image or artifact with everything that belongs to it, as its registry had it when the plan was made. */
export interface CacheImage {
  /** As images.yaml says it. */
  name: string;
  from: Reference;
  insecure: boolean;
  /** Only the platforms of a site's nodes, or all. */
  platforms: 'nodes' | 'all';
  root: string;
  /** Children before parents. */
  manifests: readonly Manifest[];
  /** Tags of cosign's signatures, attestations and SBOMs, by name. */
  tags: ReadonlyMap<string, string>;
}

/** An image as one site wants it. */
export interface SiteImage {
  /** Which of the plan's images. */
  image: number;
  /** What the tag names at the site: the image of the only platform when the index is left out. */
  root: string;
  blobs: readonly BlobNeed[];
  /** Digests, children first; all of them, whether there or not. */
  manifests: readonly string[];
  /** Manifests that have to be put. */
  put: readonly string[];
  /** Tags that have to be set, last. */
  tags: readonly (readonly [tag: string, digest: string])[];
  /** Bytes that have to go over the line, and bytes of everything. */
  missing: number;
  total: number;
}

/** How bytes get to a site: it pulls them, or the operator streams them over SSH. */
export type Executor = 'pull' | 'push';

/** What is to be done at one site. */
export interface SitePlan {
  site: string;
  /** The lead node. */
  node: string;
  registry: string;
  executor: Executor;
  architectures: readonly string[];
  images: readonly SiteImage[];
  /** Lists of signatures that are made for a registry without referrers API, base64 by digest. */
  lists: Readonly<Record<string, string>>;
  missing: number;
  total: number;
  /** Bytes per second; absent when the line has no limit. */
  rate?: number;
  monthly?: number;
  /** When the line may be used, milliseconds; empty: at any time. */
  windows: readonly (readonly [from: number, to: number])[];
  spool: string;
  free: number;
  /** Bytes that have to be free. */
  needs: number;
  /** When it is done; absent when nothing is missing, when there is no rate to reckon with, or never. */
  eta?: number;
  /** Windows that are used until then. */
  nights?: number;
  /** It is not there before the deadline, or never. */
  late: boolean;
  /** Why it cannot be filled. */
  problems: readonly string[];
}

/** A site that could not be asked. */
export interface UnaskedSite {
  site: string;
  node: string;
  /** `unreachable`: try later; `refused`: access; `failed`: something is missing there. */
  kind: 'unreachable' | 'refused' | 'failed';
  message: string;
}

/** What `cache plan` found. */
export interface CachePlan {
  fleet: { id: string; digest: string };
  /** Milliseconds since the epoch. */
  madeAt: number;
  deadline?: number;
  images: readonly CacheImage[];
  sites: readonly SitePlan[];
  unasked: readonly UnaskedSite[];
}
