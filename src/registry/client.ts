import { scopeOf } from './auth.js';
import { digestOf } from './digest.js';
import { refused } from './failure.js';
import { headBlob } from './head-blob.js';
import type { Ask } from './http.js';
import { RegistryHttp } from './http.js';
import type { Descriptor, Manifest } from './manifest.js';
import { manifestTypes, maxManifestBytes, parseManifest } from './manifest.js';
import { readBlob, readSmallBlob } from './read-blob.js';
import type { Reference } from './reference.js';
import type { RegistrySettings } from './settings.js';
import type { UploadRequest, UploadResult } from './upload.js';
import { uploadBlob } from './upload.js';

/** What a registry says of a manifest without sending it. */
export type Head = Pick<Descriptor, 'digest' | 'size' | 'mediaType'>;

/** One registry (OCI distribution specification 1.1). Close it when it is no longer needed. */
export class RegistryClient {
  readonly http: RegistryHttp;

  constructor(registry: string, settings: RegistrySettings) {
    this.http = new RegistryHttp(registry, settings);
  }

  get registry(): string {
    return this.http.registry;
  }

  /** What a tag points to, or whether a digest is there; undefined when not. */
  async headManifest(repository: string, name: string): Promise<Head | undefined> {
    const answer = await this.http.send(manifestAsk('HEAD', repository, name, [200, 404]));
    await answer.body.dump();
    if (answer.statusCode === 404) return undefined;
    const digest = answer.headers['docker-content-digest'];
    // A HEAD without the digest says nothing about a tag; the manifest itself does.
    if (digest === undefined && !name.includes(':')) return (await this.getManifest(repository, name)).descriptor;
    const mediaType = String(answer.headers['content-type'] ?? '');
    return { digest: String(digest ?? name), size: Number(answer.headers['content-length'] ?? 0), mediaType };
  }

  /**
   * The manifest under a tag or digest, as it came, verified. Throws OCI_NOT_FOUND, OCI_MANIFEST_TOO_LARGE, OCI_DIGEST_MISMATCH, and
   * what `parseManifest` throws.
   */
  async getManifest(repository: string, name: string): Promise<Manifest> {
    const where = `${this.registry}/${repository}`;
    const { answer, raw } = await this.http.sendWhole(
      manifestAsk('GET', repository, name, [200]),
      maxManifestBytes,
      () => refused('OCI_MANIFEST_TOO_LARGE', `${where}@${name}`, `it has more than ${maxManifestBytes} bytes`),
    );
    const promised = name.includes(':') ? name : answer.headers['docker-content-digest'];
    const digest = typeof promised === 'string' && /^sha(256|512):/.test(promised) ? promised : digestOf(raw);
    const found = digestOf(raw, digest);
    if (found !== digest)
      throw refused('OCI_DIGEST_MISMATCH', `${where}@${name}`, 'what it sends is something else', [
        `promised: ${digest}`,
        `received: ${found}`,
      ]);
    const type = answer.headers['content-type'];
    return parseManifest(raw, digest, typeof type === 'string' ? type.split(';')[0]?.trim() : undefined, where);
  }

  /** Resolves a reference once; with a digest in it nothing but that is accepted. Throws OCI_NOT_FOUND. */
  async resolve({ repository, tag, digest }: Reference): Promise<Manifest> {
    return await this.getManifest(repository, digest ?? tag ?? 'latest');
  }

  /** Puts a manifest under a tag or its digest, byte by byte as it is. True when the registry keeps track of its subject itself. */
  async putManifest(
    repository: string,
    name: string,
    manifest: Pick<Manifest, 'raw' | 'descriptor'>,
  ): Promise<boolean> {
    const { digest, mediaType } = manifest.descriptor;
    const answer = await this.http.send({
      method: 'PUT',
      target: `v2/${repository}/manifests/${name}`,
      repository,
      scopes: [scopeOf(repository, 'pull,push')],
      headers: { 'content-type': mediaType },
      body: manifest.raw,
      expect: [201],
    });
    await answer.body.dump();
    const stored = answer.headers['docker-content-digest'];
    if (typeof stored === 'string' && stored !== digest && stored.startsWith(digest.slice(0, 7)))
      throw refused(
        'OCI_DIGEST_MISMATCH',
        `${this.registry}/${repository}:${name}`,
        `it stored ${stored} instead of ${digest}`,
      );
    return answer.headers['oci-subject'] !== undefined;
  }

  /** Bytes of a blob that the repository has; undefined when it has none. */
  async headBlob(repository: string, digest: string): Promise<number | undefined> {
    return await headBlob(this.http, repository, digest);
  }

  /** The bytes of a blob from an offset on, unverified; for whoever hashes them. */
  readBlob(repository: string, blob: Pick<Descriptor, 'digest' | 'size'>, from = 0): AsyncGenerator<Buffer> {
    return readBlob(this.http, repository, blob, from);
  }

  /** A small blob, verified. */
  async smallBlob(repository: string, blob: Pick<Descriptor, 'digest' | 'size'>, maxBytes: number): Promise<Buffer> {
    return await readSmallBlob(this.http, repository, blob, maxBytes);
  }

  /** Brings a blob into a repository. */
  async upload(request: UploadRequest): Promise<UploadResult> {
    return await uploadBlob(this.http, request);
  }

  async close(): Promise<void> {
    await this.http.close();
  }
}

function manifestAsk(method: 'GET' | 'HEAD', repository: string, name: string, expect: number[]): Ask {
  return {
    method,
    target: `v2/${repository}/manifests/${name}`,
    repository,
    scopes: [scopeOf(repository, 'pull')],
    headers: { accept: manifestTypes.join(', ') },
    expect,
  };
}
