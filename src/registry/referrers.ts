import { scopeOf } from './auth.js';
import type { RegistryClient } from './client.js';
import { EdgectlError } from '../errors/error.js';
import { digestOf } from './digest.js';
import { refused } from './failure.js';
import type { Descriptor, Manifest } from './manifest.js';
import { maxManifestBytes, mediaTypes, parseManifest } from './manifest.js';

/** The tag under which referrers are listed where the registry has no referrers API ("Referrers Tag Schema"). */
export function referrersTag(digest: string): string {
  return digest.replace(':', '-').slice(0, 128);
}

/** Tags that cosign gives to what belongs to an image where it does not use referrers. */
export function cosignTags(digest: string): string[] {
  return ['sig', 'att', 'sbom'].map((suffix) => `${digest.replace(':', '-')}.${suffix}`);
}

const maxPages = 100;

/** What refers to a manifest: from the referrers API, else from the fallback tag. */
export async function listReferrers(client: RegistryClient, repository: string, digest: string): Promise<Descriptor[]> {
  const { http } = client;
  const where = `${client.registry}/${repository}`;
  const found = new Map<string, Descriptor>();
  let next: string | undefined = `v2/${repository}/referrers/${digest}`;
  for (let page = 0; next !== undefined; page++) {
    if (page >= maxPages)
      throw refused('OCI_GRAPH_TOO_LARGE', where, `it lists referrers on more than ${maxPages} pages`);
    const { answer, raw } = await http.sendWhole(
      {
        method: 'GET',
        target: next,
        repository,
        scopes: [scopeOf(repository, 'pull')],
        headers: { accept: mediaTypes.index },
        expect: [200, 404],
      },
      maxManifestBytes,
      () => refused('OCI_MANIFEST_TOO_LARGE', where, `its list of referrers has more than ${maxManifestBytes} bytes`),
    );
    const type = String(answer.headers['content-type'] ?? '');
    // Registries of before 1.1 answer 404, or with something that is no index.
    if (answer.statusCode === 404 || !type.startsWith(mediaTypes.index)) {
      return (await fallback(client, repository, digest))?.manifests.slice() ?? [];
    }
    for (const each of parseManifest(raw, digestOf(raw), mediaTypes.index, where).manifests)
      found.set(each.digest, each);
    next = nextPage([answer.headers['link']].flat().join(', '), new URL(next, http.base));
  }
  return [...found.values()];
}

/**
 * Adds manifests to the fallback tag of their subject, keeping what others listed there. Two writers at the same moment could lose
 * one entry, as the specification says; so it is read again afterwards and put right.
 */
export async function addToFallback(
  client: RegistryClient,
  repository: string,
  subject: string,
  referrers: readonly Manifest[],
): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const there = await fallback(client, repository, subject);
    const raw = mergeReferrers(there?.raw ?? Buffer.alloc(0), referrers);
    if (raw === undefined) return;
    const descriptor = { mediaType: mediaTypes.index, digest: digestOf(raw), size: raw.length };
    await client.putManifest(repository, referrersTag(subject), { raw, descriptor });
  }
}

/**
 * A list of referrers with some more in it, for a fallback tag; undefined when they are in it already. What cannot be read as a list is
 * as good as none. Pure.
 */
export function mergeReferrers(listed: Buffer, referrers: readonly Manifest[]): Buffer | undefined {
  const known = new Map(readList(listed).map((each) => [each.digest, each]));
  if (referrers.every((each) => known.has(each.descriptor.digest))) return undefined;
  for (const each of referrers) known.set(each.descriptor.digest, entryOf(each));
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [...known.values()] }));
}

function readList(raw: Buffer): readonly Descriptor[] {
  try {
    return raw.length === 0 ? [] : parseManifest(raw, digestOf(raw), mediaTypes.index, 'the site').manifests;
  } catch {
    return [];
  }
}

function entryOf({ descriptor, artifactType, annotations }: Manifest): Descriptor {
  return {
    ...descriptor,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

async function fallback(client: RegistryClient, repository: string, digest: string): Promise<Manifest | undefined> {
  try {
    const found = await client.getManifest(repository, referrersTag(digest));
    return found.descriptor.mediaType === mediaTypes.index ? found : undefined;
  } catch (error) {
    if (error instanceof EdgectlError && error.code === 'OCI_NOT_FOUND') return undefined;
    throw error;
  }
}

/** The address of the next page in a Link header (RFC 8288); only at the same registry. */
function nextPage(link: string, at: URL): string | undefined {
  const target = /<([^<>]+)>\s*;[^,]*\brel="?next"?/i.exec(link)?.[1];
  if (target === undefined || !URL.canParse(target, at.href)) return undefined;
  const url = new URL(target, at);
  return url.origin === at.origin ? url.href : undefined;
}
