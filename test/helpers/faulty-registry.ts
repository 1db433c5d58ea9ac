import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong with one request. */
export interface Fault {
  /** Answer this instead of doing anything. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Cut the connection after this many bytes of the answer's body. */
  cutAnswer?: number;
  /** Keep this many bytes of the request's body, then cut the connection. */
  cutRequest?: number;
  /** Do it, and cut the connection instead of answering. */
  loseAnswer?: boolean;
  /** Change one byte of the answer's body. */
  corruptAt?: number;
  /** Answer a Range with the whole. */
  ignoreRange?: boolean;
  /** Forget the upload before looking at the request. */
  loseSession?: boolean;
}

/** One request as the registry saw it. */
export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
}

interface Stored {
  raw: Buffer;
  type: string;
}

/** How a registry of the tests is made. */
export interface FaultyOptions {
  referrers?: boolean;
  mount?: boolean;
  /** Take manifests whose blobs and children are not there, as some registries do. */
  lax?: boolean;
  chunkMin?: number;
  /** What goes wrong with a request; asked for each. */
  fault?: (request: Seen, count: number) => Fault | undefined;
}

/** A registry in memory that follows distribution-spec 1.1 (uploads resume at their true offset), and misbehaves when told to. */
export class FaultyRegistry {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, Stored>();
  readonly uploads = new Map<string, Buffer[]>();
  readonly seen: Seen[] = [];
  /** Bytes of uploads that came in, also those that were thrown away. */
  received = 0;
  fault: FaultyOptions['fault'];
  #server: Server | undefined;

  constructor(private readonly options: FaultyOptions = {}) {
    this.fault = options.fault;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server?.address() as AddressInfo).port}`;
  }

  async start(): Promise<this> {
    this.#server = createServer((request, response) => {
      request.on('error', () => undefined);
      response.on('error', () => undefined);
      void this.#handle(request, response).catch(() => response.destroy());
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => this.#server?.once('listening', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  /** Puts a blob there; its descriptor. */
  blob(repository: string, bytes: Buffer, mediaType = 'application/octet-stream') {
    const digest = digestOf(bytes);
    this.blobs.set(`${repository}@${digest}`, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** Puts a manifest there, under its digest and perhaps a tag; its descriptor. */
  manifest(repository: string, json: object | Buffer, tag?: string) {
    const raw = Buffer.isBuffer(json) ? json : Buffer.from(JSON.stringify(json));
    const type = Buffer.isBuffer(json) ? imageType : String((json as { mediaType?: string }).mediaType ?? imageType);
    const digest = digestOf(raw);
    for (const name of [digest, ...(tag === undefined ? [] : [tag])])
      this.manifests.set(`${repository}@${name}`, { raw, type });
    return { mediaType: type, digest, size: raw.length };
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const seen = { method, url, headers };
    const count = this.seen.push(seen);
    const fault = this.fault?.(seen, count) ?? {};
    if (fault.status !== undefined) {
      response.writeHead(fault.status, { connection: 'close', ...fault.headers }).end(fault.body ?? '');
      return;
    }
    const { pathname, searchParams } = new URL(url, 'http://registry');
    const [, repository = '', kind = '', rest = ''] =
      /^\/v2\/(.+?)\/(blobs\/uploads|blobs|manifests|referrers)\/(.*)$/.exec(pathname) ?? [];
    const answer = (status: number, more: Record<string, string> = {}, body: Buffer = Buffer.alloc(0)): void => {
      if (fault.loseAnswer === true) return void response.destroy();
      const sent = fault.corruptAt === undefined || body.length === 0 ? body : corrupted(body, fault.corruptAt);
      response.writeHead(status, { 'content-length': String(body.length), ...more });
      if (method === 'HEAD') response.end();
      else if (fault.cutAnswer !== undefined && fault.cutAnswer < body.length)
        response.write(sent.subarray(0, fault.cutAnswer), () => setImmediate(() => response.destroy()));
      else response.end(sent);
    };
    if (kind === 'blobs/uploads')
      return this.#upload({ request, response, repository, rest, searchParams, fault, answer });
    if (kind === 'blobs') return this.#blob(`${repository}@${rest}`, request, fault, answer);
    if (kind === 'manifests') return this.#manifest(repository, rest, request, answer);
    if (pathname === '/v2/') return answer(200);
    if (kind === 'referrers' && this.options.referrers === true) return this.#referrers(repository, rest, answer);
    answer(404, {}, Buffer.from('{"errors":[{"code":"NOT_FOUND","message":"no such thing"}]}'));
  }

  #blob(key: string, request: IncomingMessage, fault: Fault, answer: Respond): void {
    const bytes = this.blobs.get(key);
    if (bytes === undefined) return answer(404);
    const digest = { 'docker-content-digest': key.split('@')[1] ?? '' };
    if (request.method === 'HEAD') return answer(200, { ...digest, 'content-length': String(bytes.length) });
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from === 0 || fault.ignoreRange === true) return answer(200, digest, bytes);
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
    answer(206, { ...digest, 'content-range': range }, bytes.subarray(from));
  }

  async #manifest(repository: string, name: string, request: IncomingMessage, answer: Respond): Promise<void> {
    if (request.method !== 'PUT') {
      const found = this.manifests.get(`${repository}@${name}`);
      if (found === undefined) return answer(404);
      const head = { 'content-type': found.type, 'docker-content-digest': digestOf(found.raw) };
      return answer(200, { ...head, 'content-length': String(found.raw.length) }, found.raw);
    }
    const raw = await whole(request);
    const json = JSON.parse(raw.toString()) as Record<string, never>;
    const {
      subject,
      manifests = [],
      config,
      layers = [],
    } = json as unknown as {
      subject?: { digest: string };
      manifests?: { digest: string }[];
      config?: { digest: string };
      layers?: { digest: string }[];
    };
    const blobs = [...(config === undefined ? [] : [config]), ...layers];
    const complete =
      this.options.lax === true ||
      (manifests.every(({ digest }) => this.manifests.has(`${repository}@${digest}`)) &&
        blobs.every(({ digest }) => this.blobs.has(`${repository}@${digest}`)));
    if (!complete) return answer(400, {}, Buffer.from('{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}'));
    const digest = digestOf(raw);
    const stored = { raw, type: String(request.headers['content-type']) };
    this.manifests.set(`${repository}@${digest}`, stored);
    this.manifests.set(`${repository}@${name}`, stored);
    const tracked = this.options.referrers === true && subject !== undefined;
    answer(201, { 'docker-content-digest': digest, ...(tracked ? { 'oci-subject': subject.digest } : {}) });
  }

  #referrers(repository: string, digest: string, answer: Respond): void {
    const manifests = new Map<string, object>();
    for (const [key, { raw, type }] of this.manifests) {
      const { subject, artifactType } = JSON.parse(raw.toString()) as {
        subject?: { digest: string };
        artifactType?: string;
      };
      if (key.startsWith(`${repository}@`) && subject?.digest === digest)
        manifests.set(digestOf(raw), { mediaType: type, digest: digestOf(raw), size: raw.length, artifactType });
    }
    const index = { schemaVersion: 2, mediaType: indexType, manifests: [...manifests.values()] };
    answer(200, { 'content-type': indexType }, Buffer.from(JSON.stringify(index)));
  }

  async #upload({ request, response, repository, rest, searchParams, fault, answer }: UploadCall): Promise<void> {
    const least: Record<string, string> =
      this.options.chunkMin === undefined ? {} : { 'oci-chunk-min-length': String(this.options.chunkMin) };
    if (request.method === 'POST') {
      const mounted = this.blobs.get(`${searchParams.get('from')}@${searchParams.get('mount')}`);
      if (mounted !== undefined && this.options.mount !== false) {
        this.blobs.set(`${repository}@${searchParams.get('mount')}`, mounted);
        return answer(201);
      }
      const id = randomUUID();
      this.uploads.set(id, []);
      return answer(202, { location: `/v2/${repository}/blobs/uploads/${id}?state=0`, range: '0-0', ...least });
    }
    if (fault.loseSession === true) this.uploads.delete(rest);
    const parts = this.uploads.get(rest);
    if (parts === undefined) {
      request.resume();
      return answer(404, {}, Buffer.from('{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}'));
    }
    const size = (): number => parts.reduce((sum, part) => sum + part.length, 0);
    const place = (): Record<string, string> => ({
      location: `/v2/${repository}/blobs/uploads/${rest}?state=${size()}`,
      range: `0-${Math.max(0, size() - 1)}`,
    });
    if (request.method === 'GET') return answer(204, place());
    if (request.method === 'DELETE') return (this.uploads.delete(rest), answer(204));
    const range = /^(\d+)-(\d+)$/.exec(request.headers['content-range'] ?? '');
    if (request.method === 'PATCH' && range !== null && Number(range[1]) !== size()) {
      request.resume();
      return answer(416, place());
    }
    let kept = 0;
    for await (const chunk of request) {
      const bytes = chunk as Buffer;
      this.received += bytes.length;
      const part = bytes.subarray(0, Math.max(0, (fault.cutRequest ?? Infinity) - kept));
      parts.push(part);
      kept += part.length;
      if (fault.cutRequest !== undefined && kept >= fault.cutRequest) return void response.destroy();
    }
    if (request.method === 'PATCH') return answer(202, place());
    const bytes = Buffer.concat(parts);
    const digest = searchParams.get('digest') ?? '';
    this.uploads.delete(rest);
    if (digestOf(bytes) !== digest) return answer(400, {}, Buffer.from('{"errors":[{"code":"DIGEST_INVALID"}]}'));
    this.blobs.set(`${repository}@${digest}`, bytes);
    answer(201, { 'docker-content-digest': digest });
  }
}

type Respond = (status: number, headers?: Record<string, string>, body?: Buffer) => void;

interface UploadCall {
  request: IncomingMessage;
  response: ServerResponse;
  repository: string;
  rest: string;
  searchParams: URLSearchParams;
  fault: Fault;
  answer: Respond;
}

const imageType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';

/** sha256 as a digest. */
export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function corrupted(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ 0xff;
  return copy;
}

async function whole(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
