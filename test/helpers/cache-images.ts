import type { CacheImage } from '../../src/cache/types.js';
import { digestOf } from '../../src/registry/digest.js';
import type { Manifest } from '../../src/registry/manifest.js';
import { parseManifest } from '../../src/registry/manifest.js';
import { parseReference } from '../../src/registry/reference.js';
import { imageType, indexType } from './oci.js';

/** A manifest from JSON, read as those of registries are. */
export function manifestOf(json: { mediaType: string } & Record<string, unknown>): Manifest {
  const raw = Buffer.from(JSON.stringify({ schemaVersion: 2, ...json }));
  return parseManifest(raw, digestOf(raw), json.mediaType, 'a test');
}

const blob = (text: string) => ({
  mediaType: 'application/octet-stream',
  digest: digestOf(Buffer.from(text)),
  size: text.length,
});

/** An image whose one layer is a text. */
export const layerImage = (text: string, more: Record<string, unknown> = {}): Manifest =>
  manifestOf({ mediaType: imageType, config: blob(`config of ${text}`), layers: [blob(text)], ...more });

/** An index of images for these architectures. */
export function indexImage(architectures: readonly string[], more: readonly Manifest[] = []): CacheImage {
  const images = architectures.map((architecture) => layerImage(architecture));
  const index = manifestOf({
    mediaType: indexType,
    manifests: images.map(({ descriptor }, at) => ({
      ...descriptor,
      platform: { os: 'linux', architecture: architectures[at] },
    })),
  });
  const name = 'registry.example.org/shop/till:1';
  return {
    ...{ name, from: parseReference(name), insecure: false, platforms: 'nodes', root: index.descriptor.digest },
    ...{ manifests: [...images, index, ...more], tags: new Map() },
  };
}
