import type { RegistrySettings } from '../../src/registry/settings.js';
import type { FaultyRegistry } from './faulty-registry.js';

/** Settings for loopback that never wait; `pauses` gets what would have been waited. */
export function testSettings(more: Partial<RegistrySettings> = {}): RegistrySettings & { pauses: number[] } {
  const pauses: number[] = [];
  return {
    pauses,
    credentials: () => Promise.resolve(undefined),
    plainHttp: () => true,
    proxy: {},
    signal: new AbortController().signal,
    connectMs: 60_000,
    idleMs: 60_000,
    maxFruitless: 5,
    maxWaitMs: 60_000,
    now: () => 0,
    pause: (ms) => (pauses.push(ms), Promise.resolve()),
    random: () => 1,
    ...more,
  };
}

/** Bytes that do not compress and are the same in each run. */
export function noise(length: number, seed = 1): Buffer {
  let state = seed;
  const words = Uint32Array.from({ length: Math.ceil(length / 4) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  });
  return Buffer.from(words.buffer).subarray(0, length);
}

export const imageType = 'application/vnd.oci.image.manifest.v1+json';
export const indexType = 'application/vnd.oci.image.index.v1+json';

/** Puts an image with these layers into a registry of the tests. */
export function putImage(registry: FaultyRegistry, repository: string, layers: readonly Buffer[], tag?: string) {
  const config = registry.blob(
    repository,
    Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64' })),
    configType,
  );
  return registry.manifest(
    repository,
    {
      schemaVersion: 2,
      mediaType: imageType,
      config,
      layers: layers.map((layer) => registry.blob(repository, layer, 'application/vnd.oci.image.layer.v1.tar')),
    },
    tag,
  );
}

const configType = 'application/vnd.oci.image.config.v1+json';
