import type { RegistryClient } from './client.js';
import type { Manifest } from './manifest.js';
import { cosignTags, listReferrers } from './referrers.js';
import type { Graph } from './walk.js';
import { walk } from './walk.js';

/** A graph, and the tags that belong to it besides the one that was asked for. */
export interface Closure extends Graph {
  /** Tags of cosign's signatures, attestations and SBOMs, by name. */
  tags: ReadonlyMap<string, string>;
}

/** Everything that has to be at a place for an image to be used and its signatures to be verified there. */
export async function closureOf(
  client: RegistryClient,
  repository: string,
  root: Manifest,
  options: { signatures?: boolean } = {},
): Promise<Closure> {
  const signatures = options.signatures ?? true;
  const known = new Map<string, Manifest>([[root.descriptor.digest, root]]);
  const source = {
    where: `${client.registry}/${repository}`,
    manifest: async ({ digest }: { digest: string }): Promise<Manifest> => {
      const found = known.get(digest) ?? (await client.getManifest(repository, digest));
      known.set(digest, found);
      return found;
    },
    ...(signatures
      ? { referrers: async ({ digest }: { digest: string }) => await listReferrers(client, repository, digest) }
      : {}),
  };
  const graph = await walk(source, root.descriptor);
  const manifests = new Map(graph.manifests.map((each) => [each.descriptor.digest, each]));
  const blobs = new Map(graph.blobs);
  const tags = new Map<string, string>();
  if (signatures) {
    for (const { descriptor } of graph.manifests) {
      for (const tag of cosignTags(descriptor.digest)) {
        const head = await client.headManifest(repository, tag);
        if (head === undefined) continue;
        const signed = await client.getManifest(repository, head.digest);
        tags.set(tag, signed.descriptor.digest);
        known.set(signed.descriptor.digest, signed);
        const more = await walk(source, signed.descriptor);
        for (const each of more.manifests) manifests.set(each.descriptor.digest, each);
        for (const [digest, blob] of more.blobs) blobs.set(digest, blob);
      }
    }
  }
  return { root: graph.root, manifests: [...manifests.values()], blobs, tags };
}
