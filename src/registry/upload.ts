import { scopeOf } from './auth.js';
import { BeginAgain, Interrupted, refused } from './failure.js';
import { EdgectlError } from '../errors/error.js';
import { headBlob } from './head-blob.js';
import type { Answer, RegistryHttp } from './http.js';
import type { Descriptor } from './manifest.js';
import { PrefixHash } from './prefix-hash.js';
import type { RateLimit } from './rate-limit.js';

/** Where the place of a begun upload is kept, so that another process can go on. Keys are `registry/repository@digest`. */
export interface UploadJournal {
  get(key: string): Promise<string | undefined>;
  put(key: string, location: string): Promise<void>;
  drop(key: string): Promise<void>;
}

/** Bytes of a blob from an offset on. */
export type OpenBlob = (offset: number) => AsyncIterable<Buffer>;

/** What an upload needs. */
export interface UploadRequest {
  repository: string;
  blob: Pick<Descriptor, 'digest' | 'size'>;
  open: OpenBlob;
  /** For errors: where the bytes come from. */
  origin: string;
  /** A repository of the same registry that has the blob. */
  mountFrom?: string | undefined;
  journal?: UploadJournal | undefined;
  limit?: RateLimit | undefined;
  /** Bytes that went out; those that go out twice are counted twice. */
  onSent?: ((bytes: number) => void) | undefined;
}

/** How a blob came to be there. */
export interface UploadResult {
  how: 'mounted' | 'sent';
  /** Bytes that the registry had from an earlier attempt. */
  resumedAt: number;
}

/** Bytes of one PATCH. A registry behind a proxy that takes less says so (413), and then gets less. */
const maxChunkBytes = 512 * 1024 * 1024;
const smallChunkBytes = 8 * 1024 * 1024;
/** Blobs that go in one request; below this a session costs more than it can save. */
const monolithicBytes = 256 * 1024;
const maxRestarts = 3;

/**
 * Brings one blob into a repository (distribution specification, "Pushing blobs in chunks"), continued where the registry says it
 * ended. The digest is verified here before the upload is closed, and by the registry when it is. Throws OCI_* errors.
 */
export async function uploadBlob(http: RegistryHttp, request: UploadRequest): Promise<UploadResult> {
  return await new BlobUpload(http, request).run();
}

class BlobUpload {
  #location: string | undefined;
  #hash: PrefixHash;
  /** What the registry has, as far as we know. */
  #offset = 0;
  #sent = 0;
  #best = 0;
  #resumedAt = 0;
  #chunk = maxChunkBytes;
  #least = 0;
  #restarts = 0;

  constructor(
    private readonly http: RegistryHttp,
    private readonly request: UploadRequest,
  ) {
    this.#hash = new PrefixHash(request.blob.digest);
  }

  async run(): Promise<UploadResult> {
    this.#location = await this.request.journal?.get(this.#key);
    let asked = this.#location === undefined;
    for (let fruitless = 0; ;) {
      try {
        if (this.#location === undefined) {
          if (this.#restarts > 0 && (await this.#isThere())) return { how: 'sent', resumedAt: this.#resumedAt };
          if (await this.#begin()) return { how: 'mounted', resumedAt: 0 };
        } else if (!asked) {
          await this.#askOffset();
          if (this.#sent === 0) this.#resumedAt = this.#offset;
        }
        asked = true;
        fruitless = this.#offset > this.#best ? 0 : fruitless;
        this.#best = Math.max(this.#best, this.#offset);
        if (this.#location !== undefined) await this.#sendAll();
        if (this.#location === undefined) continue;
        await this.#close();
        await this.request.journal?.drop(this.#key);
        return { how: 'sent', resumedAt: this.#resumedAt };
      } catch (error) {
        asked = false;
        if (error instanceof BeginAgain) await this.#restart(error);
        else if (error instanceof Interrupted) {
          await this.http.backOff(error, ++fruitless);
        } else throw error;
      }
    }
  }

  /** Opens a session; true when the blob was mounted instead. */
  async #begin(): Promise<boolean> {
    const { repository, blob, mountFrom } = this.request;
    const mount = mountFrom !== undefined && mountFrom !== repository && this.#restarts === 0;
    const answer = await this.http.send({
      method: 'POST',
      target: `v2/${repository}/blobs/uploads/${mount ? `?mount=${encodeURIComponent(blob.digest)}&from=${encodeURIComponent(mountFrom)}` : ''}`,
      repository,
      scopes: [scopeOf(repository, 'pull,push'), ...(mount ? [scopeOf(mountFrom, 'pull')] : [])],
      expect: mount ? [201, 202] : [202],
    });
    await answer.body.dump();
    if (answer.statusCode === 201) return true;
    const least = Number(answer.headers['oci-chunk-min-length'] ?? 0);
    this.#least = Number.isSafeInteger(least) && least > 0 ? least : 0;
    this.#offset = 0;
    await this.#moved(answer);
    return false;
  }

  /** How much the registry has. A session that it no longer knows is forgotten. */
  async #askOffset(): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.#send('GET', [204, 404, 400, 416]);
    } catch (error) {
      // A location that another process left may mean nothing by now; that must not be the end of it.
      if (
        error instanceof EdgectlError &&
        this.#sent === 0 &&
        error.code !== 'OCI_AUTH' &&
        error.code !== 'OCI_UNREACHABLE'
      )
        throw new BeginAgain('the registry no longer knows the upload');
      throw error;
    }
    await answer.body.dump();
    if (answer.statusCode !== 204) throw new BeginAgain('the registry lost the upload');
    const offset = offsetOf(answer);
    // More than was ever sent is not ours. `0-0` may mean nothing or one byte (distribution-spec#578): a new session costs less than to find out.
    const known = this.#sent === 0 && this.#hash.at === 0 ? this.request.blob.size : this.#hash.at;
    if (offset === undefined || offset > known) throw new BeginAgain('the registry cannot say how much it has');
    this.#offset = offset;
    if (offset > 0 || this.#sent === 0) await this.#moved(answer);
    else await this.#forget();
  }

  async #sendAll(): Promise<void> {
    const { size } = this.request.blob;
    if (size <= monolithicBytes && this.#offset === 0) return;
    while (this.#offset < size) {
      const wanted = Math.max(Math.min(this.#chunk, size - this.#offset), Math.min(this.#least, size - this.#offset));
      const end = this.#offset + wanted;
      const answer = await this.#send('PATCH', [201, 202, 404, 413, 416], {
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(wanted),
          'content-range': `${this.#offset}-${end - 1}`,
        },
        stream: this.#bytes(this.#offset, end),
      });
      await answer.body.dump();
      if (answer.statusCode === 404) throw new BeginAgain('the registry lost the upload');
      if (answer.statusCode === 413 && this.#chunk > smallChunkBytes) {
        this.#chunk = smallChunkBytes;
        throw new Interrupted('it takes no such large part', 0, 413);
      }
      if (answer.statusCode === 413) throw this.#fail('it takes no part of 8 MiB (413)');
      if (answer.statusCode === 416) throw new Interrupted('it has another part of the blob than we thought', 0, 416);
      // The Range of a 202 is stale at some registries (ECR); the digest decides.
      this.#offset = end;
      await this.#moved(answer);
    }
  }

  /** The bytes from `start` to `end`; what the source must be read again for is hashed and not sent. */
  async *#bytes(start: number, end: number): AsyncGenerator<Buffer> {
    const { open, limit, onSent, origin, blob } = this.request;
    let at = this.#hash.rewind(start);
    for await (const chunk of open(at)) {
      const part = chunk.subarray(0, end - at);
      if (!this.#hash.update(part)) throw new BeginAgain(`${origin} does not send the same bytes twice`, true);
      const fresh = part.subarray(Math.max(0, Math.min(start - at, part.length)));
      at += part.length;
      // The last bytes go out only when the whole is right: a registry never holds a complete blob that is wrong.
      if (at === blob.size && !this.#hash.matches())
        throw new BeginAgain(`${origin} sends something else than ${blob.digest}`, true);
      if (fresh.length > 0) {
        await limit?.take(fresh.length, this.http.settings.signal);
        this.#sent += fresh.length;
        onSent?.(fresh.length);
        yield fresh;
      }
      if (at === end) return;
    }
    throw this.#fail(`${origin} ends at byte ${at} of ${blob.size}`);
  }

  async #close(): Promise<void> {
    const { size, digest } = this.request.blob;
    const whole = this.#offset === 0 && size > 0;
    const body = whole ? await this.#collect() : undefined;
    // An empty blob, or one of which the registry had every byte already, was not read yet.
    if (!whole && this.#hash.at < size) for await (const _ of this.#bytes(size, size)) void _;
    if (!this.#hash.matches()) throw new BeginAgain(`${this.request.origin} sends something else than ${digest}`, true);
    const target = new URL(this.#location ?? '', this.http.base);
    target.searchParams.set('digest', digest);
    const answer = await this.#send('PUT', [201, 204, 400, 404, 416], {
      target,
      headers: { 'content-type': 'application/octet-stream', ...(body === undefined ? { 'content-length': '0' } : {}) },
      ...(body === undefined ? {} : { body }),
    });
    await answer.body.dump();
    if (answer.statusCode >= 400) throw new BeginAgain(`the registry does not accept the blob (${answer.statusCode})`);
  }

  async #collect(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.#bytes(0, this.request.blob.size)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async #send(
    method: 'GET' | 'PATCH' | 'PUT' | 'DELETE',
    expect: number[],
    more: { target?: URL; headers?: Record<string, string>; body?: Buffer; stream?: AsyncIterable<Buffer> } = {},
  ): Promise<Answer> {
    const { repository } = this.request;
    const scopes = [scopeOf(repository, 'pull,push')];
    return await this.http.send({ method, target: this.#location ?? '', repository, scopes, expect, ...more });
  }

  async #moved(answer: Answer): Promise<void> {
    const location = [answer.headers['location']].flat()[0];
    // Some registries repeat none when it stays the same; the first answer must have one.
    if (location === undefined && this.#location === undefined)
      throw this.#fail('it opens an upload without a place for it');
    this.#location = location === undefined ? this.#location : new URL(location, this.http.base).href;
    if (this.request.blob.size > monolithicBytes) await this.request.journal?.put(this.#key, this.#location ?? '');
  }

  async #restart({ reason, wrongBytes }: BeginAgain): Promise<void> {
    await this.#forget();
    // Wrong bytes are asked for once more, not again and again.
    if (++this.#restarts > (wrongBytes ? 1 : maxRestarts)) {
      const code = wrongBytes ? 'OCI_DIGEST_MISMATCH' : 'OCI_REGISTRY_FAILED';
      throw refused(code, this.#key, `${reason}; given up after ${this.#restarts} attempts`);
    }
    this.#hash = new PrefixHash(this.request.blob.digest);
    this.#offset = 0;
  }

  /** Ends a session whose bytes are of no use: they would lie on the registry's disk for a week. */
  async #forget(): Promise<void> {
    await this.request.journal?.drop(this.#key);
    if (this.#location !== undefined) {
      const ended = this.#send('DELETE', [200, 202, 204, 400, 404, 405, 500]);
      await ended.then((answer) => answer.body.dump()).catch(() => undefined);
    }
    this.#location = undefined;
  }

  /** Was only the answer lost? */
  async #isThere(): Promise<boolean> {
    const { repository, blob } = this.request;
    return (await headBlob(this.http, repository, blob.digest)) === blob.size;
  }

  get #key(): string {
    return `${this.http.registry}/${this.request.repository}@${this.request.blob.digest}`;
  }

  #fail(reason: string): EdgectlError {
    return refused('OCI_REGISTRY_FAILED', this.#key, reason);
  }
}

/** Bytes that a `Range: 0-N` (also `bytes=0-N`) means; 0 for `0-0`, which is ambiguous. */
function offsetOf(answer: Answer): number | undefined {
  const range = /^(?:bytes[= ])?0-(\d{1,15})$/.exec(String(answer.headers['range'] ?? ''));
  if (range === null) return answer.headers['range'] === undefined ? 0 : undefined;
  const last = Number(range[1]);
  return last === 0 ? 0 : last + 1;
}
