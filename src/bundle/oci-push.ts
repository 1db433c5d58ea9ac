import { createReadStream } from 'node:fs';
import { RegistryClient } from '../registry/client.js';
import type { Closure } from '../registry/closure.js';
import { copy } from '../registry/copy.js';
import { digestOf } from '../registry/digest.js';
import type { Descriptor } from '../registry/manifest.js';
import { mediaTypes, parseManifest } from '../registry/manifest.js';
import type { Reference } from '../registry/reference.js';
import type { RegistrySettings } from '../registry/settings.js';
import type { UploadJournal } from '../registry/upload.js';
import { bundleTag, bundleTypes } from './oci.js';
import type { WritableBundleStore } from './store.js';
import type { StoredBundle } from './types.js';

/** What to put where. */
export interface PushRequest {
  store: WritableBundleStore;
  bundles: readonly StoredBundle[];
  to: Reference;
  settings: RegistrySettings;
  journal?: UploadJournal;
}

/** A bundle in a registry. */
export interface PushedBundle {
  component: string;
  version: string;
  arch: string;
  digest: string;
  tag: string;
  /** Digest of the artifact's manifest. */
  manifest: string;
  /** Bytes that had to be sent. */
  sent: number;
}

/** Puts bundles of the store into a repository, with the statement and the signature that nodes verify. Throws OCI_* errors, BUNDLE_DIGEST_MISMATCH. */
export async function pushBundles({ store, bundles, to, settings, journal }: PushRequest): Promise<PushedBundle[]> {
  const target = new RegistryClient(to.registry, settings);
  const pushed: PushedBundle[] = [];
  try {
    for (const { digest: wanted } of bundles) {
      const bundle = await store.check(wanted);
      const { closure, bytes } = artifactOf(bundle);
      const { component, version, arch, digest } = bundle;
      const tag = bundleTag(digest);
      const open = (blob: Descriptor, offset: number): AsyncIterable<Buffer> => {
        const text = bytes.get(blob.digest);
        return text === undefined ? createReadStream(bundle.path, { start: offset }) : once(text.subarray(offset));
      };
      const content = { origin: bundle.path, open };
      const { sent } = await copy({ content, closure, target, repository: to.repository, tag, journal });
      pushed.push({ component, version, arch, digest, tag, manifest: closure.root, sent });
    }
  } finally {
    await target.close();
  }
  return pushed;
}

/** The artifact of a bundle; the same bundle gives the same bytes. */
function artifactOf(bundle: StoredBundle): { closure: Closure; bytes: Map<string, Buffer> } {
  const bytes = new Map<string, Buffer>();
  const layer = (text: Buffer, mediaType: string, title?: string): Descriptor => {
    const digest = digestOf(text);
    bytes.set(digest, text);
    return { mediaType, digest, size: text.length, ...titled(title) };
  };
  const config = layer(Buffer.from('{}'), mediaTypes.empty);
  const layers = [
    layer(Buffer.from(bundle.statement), bundleTypes.statement, 'statement'),
    layer(Buffer.from(bundle.signature), bundleTypes.signature, 'statement.sig'),
    {
      mediaType: bundleTypes.archive,
      digest: `sha256:${bundle.digest}`,
      size: bundle.size,
      ...titled('bundle.tar.gz'),
    },
  ];
  const { component, version, arch } = bundle;
  const raw = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      artifactType: bundleTypes.artifact,
      config,
      layers,
      annotations: {
        'org.opencontainers.image.title': component,
        'org.opencontainers.image.version': version,
        'edgectl.arch': arch,
      },
    }),
  );
  const manifest = parseManifest(raw, digestOf(raw), mediaTypes.manifest, 'the bundle');
  const blobs = new Map(manifest.blobs.map((blob) => [blob.digest, blob]));
  return { closure: { root: manifest.descriptor.digest, manifests: [manifest], blobs, tags: new Map() }, bytes };
}

function titled(title: string | undefined): Pick<Descriptor, 'annotations'> {
  return title === undefined ? {} : { annotations: { 'org.opencontainers.image.title': title } };
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  await Promise.resolve();
  yield bytes;
}
