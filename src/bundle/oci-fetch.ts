import { mkdir, open, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { RegistryClient } from '../registry/client.js';
import { refused } from '../registry/failure.js';
import type { Descriptor, Manifest } from '../registry/manifest.js';
import type { Reference } from '../registry/reference.js';
import { parseReference } from '../registry/reference.js';
import { registrySettings } from '../registry/settings.js';
import { digestFile } from './durable.js';
import { maxArchiveBytes } from './limits.js';
import { bundleTag, bundleTypes, maxSignedBytes } from './oci.js';
import { parseStatement } from './statement.js';
import type { WritableBundleStore } from './store.js';
import type { StoredBundle } from './types.js';

/** Which bundle to fetch from which repository. */
export interface OciFetchRequest {
  /** `oci://REGISTRY/REPOSITORY`, or `oci+http://…` for a registry without TLS. */
  source: string;
  digest: string;
  store: WritableBundleStore;
  /** Checks the signature before the archive is fetched; throws when it is refused. */
  verify: (statement: string, signature: string) => Promise<unknown>;
  signal: AbortSignal;
  /** For docker's credentials and for proxies. */
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * Fetches a bundle from a registry into the store: statement and signature first, then the archive, continued where an earlier
 * attempt ended. Throws OCI_* errors, BUNDLE_DIGEST_MISMATCH, BUNDLE_INVALID, or what `verify` throws.
 */
export async function fetchOciBundle(request: OciFetchRequest): Promise<StoredBundle> {
  const { source, digest, store, signal, env } = request;
  const present = await store.check(digest).catch(() => undefined);
  if (present !== undefined) return present;
  const plainHttp = source.startsWith('oci+http:') ? true : undefined;
  const from = parseReference(source.replace(/^oci(\+http)?:\/\//, ''), { bare: true });
  const client = new RegistryClient(from.registry, await registrySettings({ env, signal, plainHttp }));
  try {
    return await fetchFrom(client, from, request);
  } finally {
    await client.close();
  }
}

async function fetchFrom(client: RegistryClient, from: Reference, request: OciFetchRequest): Promise<StoredBundle> {
  const { digest, store } = request;
  const { repository } = from;
  const where = `${from.registry}/${repository}:${bundleTag(digest)}`;
  const manifest = await client.getManifest(repository, bundleTag(digest));
  if (manifest.artifactType !== bundleTypes.artifact)
    throw refused('OCI_MEDIA_TYPE', where, `it is no bundle but ${manifest.artifactType ?? 'an image'}`);
  const text = async (mediaType: string): Promise<string> => {
    const blob = layerOf(manifest, mediaType, where);
    return (await client.smallBlob(repository, blob, maxSignedBytes)).toString('utf8');
  };
  const statement = await text(bundleTypes.statement);
  const promised = parseStatement(statement);
  const archive = layerOf(manifest, bundleTypes.archive, where);
  // The tag is only somebody's word; the signed statement says what the archive is.
  if (promised.digest !== digest || archive.digest !== `sha256:${digest}` || archive.size !== promised.size)
    throw refused('BUNDLE_DIGEST_MISMATCH', where, `it holds another bundle, ${promised.digest}`);
  if (promised.size > maxArchiveBytes)
    throw refused('OCI_REGISTRY_FAILED', where, `it promises ${promised.size} bytes, more than a bundle may have`);
  const signature = await text(bundleTypes.signature);
  await request.verify(statement, signature);
  return await store.add({ archive: await fetchArchive(client, repository, archive, store), statement, signature });
}

async function fetchArchive(
  client: RegistryClient,
  repository: string,
  archive: Descriptor,
  store: WritableBundleStore,
): Promise<string> {
  const parts = path.join(store.dir, '.parts');
  await mkdir(parts, { recursive: true, mode: 0o700 });
  const part = path.join(parts, `${archive.digest.replace('sha256:', '')}.oci`);
  // A part that something else damaged is thrown away once; after that it is the registry that is wrong.
  for (let begun = await sizeOf(part); ; begun = 0) {
    await receive(client, repository, archive, part, begun);
    const found = await digestFile(part);
    if (archive.digest === `sha256:${found.digest}`) return part;
    await rm(part);
    if (begun > 0) continue;
    throw refused(
      'BUNDLE_DIGEST_MISMATCH',
      `${client.registry}/${repository}@${archive.digest}`,
      `what it sends has the digest ${found.digest}`,
    );
  }
}

async function receive(
  client: RegistryClient,
  repository: string,
  archive: Descriptor,
  part: string,
  begun: number,
): Promise<void> {
  const start = begun <= archive.size ? begun : 0;
  const handle = await open(part, start === 0 ? 'w' : 'r+');
  try {
    let at = start;
    for await (const chunk of client.readBlob(repository, archive, start)) {
      await handle.write(chunk, 0, chunk.length, at);
      at += chunk.length;
    }
  } finally {
    await handle.close();
  }
}

function layerOf(manifest: Manifest, mediaType: string, where: string): Descriptor {
  const [found, ...more] = manifest.blobs.filter((blob) => blob.mediaType === mediaType);
  if (found !== undefined && more.length === 0) return found;
  throw refused('OCI_MANIFEST_INVALID', where, `it has ${found === undefined ? 'no' : 'several'} ${mediaType}`);
}

async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    (found) => found.size,
    () => 0,
  );
}
