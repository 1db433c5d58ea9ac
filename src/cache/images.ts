import type { RegistrySettings } from '../registry/settings.js';
import { isLoopback } from '../registry/settings.js';
import { RegistryClient } from '../registry/client.js';
import { closureOf } from '../registry/closure.js';
import { parseReference } from '../registry/reference.js';
import { mapLimit } from '../util/map-limit.js';
import type { CacheImage } from './types.js';

/** An image that is wanted somewhere. */
export interface WantedImage {
  /** `REGISTRY/REPOSITORY:TAG`, or with a digest. */
  image: string;
  platforms: 'nodes' | 'all';
  insecure: boolean;
}

/**
 * Reads images from their registries: each tag is resolved once, and everything that belongs to it is listed. Bytes of blobs are not
 * read. Throws OCI_* errors.
 */
export async function readImages(wanted: readonly WantedImage[], settings: RegistrySettings): Promise<CacheImage[]> {
  const clients = new Map<string, RegistryClient>();
  const clientOf = (registry: string, insecure: boolean): RegistryClient => {
    const key = `${registry} ${insecure}`;
    const client = clients.get(key) ?? new RegistryClient(registry, { ...settings, plainHttp: () => insecure });
    clients.set(key, client);
    return client;
  };
  try {
    return await mapLimit(wanted, 4, async ({ image, platforms, insecure: asked }) => {
      const from = parseReference(image);
      const insecure = asked || isLoopback(from.registry);
      const client = clientOf(from.registry, insecure);
      const root = await client.resolve(from);
      const { manifests, tags } = await closureOf(client, from.repository, root);
      return { name: image, from, insecure, platforms, root: root.descriptor.digest, manifests, tags };
    });
  } finally {
    for (const client of clients.values()) await client.close();
  }
}
