import path from 'node:path';
import { z } from 'zod';
import { isDigest } from './digest.js';
import { refused } from './failure.js';

/** Something that is named by its content (image specification, "OCI Content Descriptors"). */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  artifactType?: string | undefined;
  annotations?: Readonly<Record<string, string>> | undefined;
  platform?: Readonly<Platform> | undefined;
}

/** What an image of an index runs on. */
export interface Platform {
  os: string;
  architecture: string;
  variant?: string | undefined;
}

/** A manifest that was read; its bytes are kept as they came. */
export interface Manifest {
  descriptor: Descriptor;
  raw: Buffer;
  /** Manifests of an index. */
  manifests: readonly Descriptor[];
  /** Config and layers of an image or artifact. */
  blobs: readonly Descriptor[];
  /** What it says something about (a signature, an SBOM). */
  subject?: Descriptor | undefined;
  artifactType?: string | undefined;
  annotations: Readonly<Record<string, string>>;
}

/** Bytes: the largest manifest that registries must take (distribution specification, "Pushing Manifests"). */
export const maxManifestBytes = 4 * 1024 * 1024;

export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  empty: 'application/vnd.oci.empty.v1+json',
} as const;

const indexTypes: readonly string[] = [mediaTypes.index, mediaTypes.dockerList];
/** The kinds of manifest that are read; anything else is refused by name. */
export const manifestTypes: readonly string[] = [...indexTypes, mediaTypes.manifest, mediaTypes.dockerManifest];

const annotations = z.record(z.string(), z.string()).optional();
const descriptor = z.looseObject({
  mediaType: z.string().regex(/^[A-Za-z0-9!#$&^_.+-]{1,127}\/[A-Za-z0-9!#$&^_.+-]{1,127}$/, 'a media type'),
  digest: z.string().refine(isDigest, 'a digest'),
  size: z.int().min(0),
  artifactType: z.string().optional(),
  annotations,
  urls: z.array(z.string()).optional(),
  platform: z.looseObject({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).optional(),
});
const document = z.looseObject({
  schemaVersion: z.literal(2, { error: 'schemaVersion 2' }),
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  manifests: z.array(descriptor).max(10_000).optional(),
  config: descriptor.optional(),
  layers: z.array(descriptor).max(10_000).optional(),
  subject: descriptor.optional(),
  annotations,
});

/**
 * Reads a manifest or an index. `served` is the media type that the registry named. Refuses what is malformed, ambiguous
 * (CVE-2021-41190: index and image at once), foreign or named so that it would be written outside a directory.
 */
export function parseManifest(raw: Buffer, digest: string, served: string | undefined, where: string): Manifest {
  const malformed = (reason: string) => refused('OCI_MANIFEST_INVALID', `${where}@${digest}`, reason);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw));
  } catch {
    throw malformed('its manifest is not JSON');
  }
  const parsed = document.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw malformed(`its manifest is malformed: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const { manifests, config, layers, subject, artifactType } = parsed.data;
  const mediaType = parsed.data.mediaType ?? served?.split(';')[0]?.trim() ?? '';
  if (!manifestTypes.includes(mediaType))
    throw refused(
      'OCI_MEDIA_TYPE',
      `${where}@${digest}`,
      `its media type is ${mediaType === '' ? 'missing' : mediaType}`,
    );
  const asIndex = indexTypes.includes(mediaType);
  if (asIndex ? layers !== undefined || config !== undefined || manifests === undefined : manifests !== undefined)
    throw malformed('its manifest is index and image at once, or neither');
  if (!asIndex && (config === undefined || layers === undefined)) throw malformed('it has no config or no layers');
  // Content type and content must agree, or two clients see two things under one digest.
  if (served !== undefined && manifestTypes.includes(served) && served !== mediaType)
    throw refused('OCI_MEDIA_TYPE', `${where}@${digest}`, `it is served as ${served} and says that it is ${mediaType}`);
  const blobs = config === undefined ? [] : [config, ...(layers ?? [])];
  for (const blob of blobs) refuseBlob(blob, `${where}@${digest}`);
  return {
    descriptor: { mediaType, digest, size: raw.length },
    raw,
    manifests: manifests ?? [],
    blobs,
    subject,
    artifactType: artifactType ?? (config !== undefined && !isConfig(config.mediaType) ? config.mediaType : undefined),
    annotations: parsed.data.annotations ?? {},
  };
}

function isConfig(mediaType: string): boolean {
  return /^application\/vnd\.(oci\.image\.config|docker\.container\.image)\.v1\+json$/.test(mediaType);
}

function refuseBlob(blob: z.output<typeof descriptor>, where: string): void {
  if (/\.foreign\.|nondistributable/.test(blob.mediaType) || (blob.urls ?? []).length > 0)
    throw refused('OCI_FOREIGN_LAYER', where, `its layer ${blob.digest} lies somewhere else (${blob.mediaType})`);
  if (manifestTypes.includes(blob.mediaType))
    throw refused('OCI_MEDIA_TYPE', where, `it has a manifest where a layer belongs (${blob.digest})`);
  const title = blob.annotations?.['org.opencontainers.image.title'];
  if (title !== undefined && !isSafeTitle(title))
    throw refused('OCI_TITLE_UNSAFE', where, `its layer ${blob.digest} would be written to “${title}”`);
}

/** May a file of this name be written below a directory? */
export function isSafeTitle(title: string): boolean {
  // eslint-disable-next-line no-control-regex
  if (title === '' || title.length > 255 || /[\u0000-\u001f\u007f\\:]/.test(title)) return false;
  const parts = title.split('/');
  return !path.posix.isAbsolute(title) && parts.every((part) => part !== '' && part !== '.' && part !== '..');
}
