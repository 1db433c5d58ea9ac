import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fetchBundle } from '../../../src/bundle/fetch.js';
import { packBundle } from '../../../src/bundle/pack.js';
import { renderStatement } from '../../../src/bundle/statement.js';
import { openBundleStore } from '../../../src/bundle/store.js';
import { EdgectlError } from '../../../src/errors/error.js';
import { demoDriver, Workshop } from '../../helpers/bundle-fixtures.js';
import { elf } from '../../helpers/elf.js';

const shop = new Workshop();
const servers: Server[] = [];
let archive: Buffer;
let digest: string;
let statement: string;

beforeAll(async () => {
  // Bytes that do not compress, so that there is something to cut.
  let seed = 1;
  const noise = Buffer.from(
    Uint32Array.from({ length: 100_000 }, () => (seed = (seed * 1664525 + 1013904223) >>> 0)).buffer,
  );
  const source = shop.file('demo', Buffer.concat([elf({ machine: 62 }), noise]));
  const packed = await packBundle({ driver: demoDriver, source, version: '1.0', scratch: shop.fresh() });
  archive = readFileSync(packed.path);
  ({ digest } = packed);
  statement = renderStatement({ ...packed, series: 1 });
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => shop.remove());

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/edge`;
}

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** Statement and signature as they should be; the archive as the test wants it. `asked` records the archive's requests. */
async function server(handler: Handler, texts: { statement?: string; signature?: string } = {}) {
  const asked: (string | undefined)[] = [];
  const base = await serve((request, response) => {
    const name = request.url?.split('/').at(-1);
    if (!request.url?.startsWith(`/edge/${digest}/`)) response.writeHead(404).end();
    else if (name === 'statement') response.end(texts.statement ?? statement);
    else if (name === 'statement.sig') response.end(texts.signature ?? 'signature');
    else handler(request, response, asked.push(request.headers.range));
  });
  return { base, asked };
}

/** What a good server does: ranges, If-Range, ETag. */
const send = (request: IncomingMessage, response: ServerResponse, end: number): void => {
  const etag = '"one"';
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const partial = from > 0 && request.headers['if-range'] === etag;
  const start = partial ? from : 0;
  response.writeHead(partial ? 206 : 200, {
    etag,
    'content-length': archive.length - start,
    ...(partial ? { 'content-range': `bytes ${start}-${archive.length - 1}/${archive.length}` } : {}),
  });
  if (end >= archive.length) response.end(archive.subarray(start));
  else response.write(archive.subarray(start, end), () => setImmediate(() => response.destroy()));
};

const good: Handler = (request, response) => send(request, response, archive.length);

function request(base: string, more: Partial<Parameters<typeof fetchBundle>[0]> = {}) {
  const store = openBundleStore(shop.fresh());
  const pauses: number[] = [];
  const options = {
    base,
    digest,
    store,
    verify: () => Promise.resolve(),
    signal: new AbortController().signal,
    pause: (ms: number) => (pauses.push(ms), Promise.resolve()),
    ...more,
  };
  return { options, store, pauses };
}

describe('fetching a bundle', () => {
  test('brings it into the store, and the next time asks nobody', async () => {
    const { base, asked } = await server(good);
    const { options, store } = request(`${base}/`);
    const progress: number[] = [];
    const bundle = await fetchBundle({ ...options, onProgress: (bytes) => progress.push(bytes) });
    expect(bundle).toMatchObject({ digest, version: '1.0', signature: 'signature' });
    expect(readFileSync(bundle.path).equals(archive)).toBe(true);
    expect(progress.at(-1)).toBe(archive.length);
    expect(await fetchBundle(options)).toEqual(bundle);
    expect(asked).toHaveLength(1);
    expect(readdirSync(path.join(store.dir, '.parts'))).toEqual([]);
  });

  test('goes on where each cut connection ended', async () => {
    const cuts = [50_000, 50_000, 180_000, 300_000];
    const { base, asked } = await server((req, res, count) => send(req, res, cuts[count - 1] ?? archive.length));
    const { options } = request(base);
    const bundle = await fetchBundle(options);
    expect(readFileSync(bundle.path).equals(archive)).toBe(true);
    const starts = asked.map((range) => Number(/(\d+)/.exec(range ?? '0')?.[1]));
    expect(starts[0]).toBe(0);
    expect(starts.at(-1)).toBeGreaterThan(0);
    expect([...starts].sort((a, b) => a - b)).toEqual(starts);
  });

  test('goes on in a later process, from what the first one left', async () => {
    const first = await server((req, res, count) => send(req, res, count === 1 ? 150_000 : 0));
    const { options, store } = request(first.base, { maxFruitless: 1 });
    await expect(fetchBundle(options)).rejects.toMatchObject({ code: 'BUNDLE_FETCH_FAILED' });
    const second = await server(good);
    await fetchBundle({ ...options, base: second.base, store: openBundleStore(store.dir) });
    expect(second.asked).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
  });

  test('begins anew at a server that ignores ranges, and gives up when that never gets further', async () => {
    const whole = (end: number) => (_req: IncomingMessage, res: ServerResponse) => {
      res.writeHead(200, { etag: '"one"', 'content-length': archive.length });
      if (end >= archive.length) res.end(archive);
      else res.write(archive.subarray(0, end), () => setImmediate(() => res.destroy()));
    };
    const mended = await server((req, res, count) => whole(count < 3 ? 100_000 : archive.length)(req, res));
    await expect(fetchBundle(request(mended.base).options)).resolves.toMatchObject({ digest });
    const hopeless = await server((req, res, count) => whole(count % 2 === 0 ? 100_000 : 80_000)(req, res));
    const { options } = request(hopeless.base);
    await expect(fetchBundle(options)).rejects.toMatchObject({ code: 'BUNDLE_FETCH_FAILED' });
    expect(hopeless.asked.length).toBeLessThan(15);
  });

  test('does not join parts of two files: If-Range makes the server send the new one whole', async () => {
    const { options, store } = request((await server(good)).base);
    const parts = path.join(store.dir, '.parts');
    mkdirSync(parts, { recursive: true });
    writeFileSync(path.join(parts, `${digest}.part`), Buffer.alloc(1000, 1));
    writeFileSync(path.join(parts, `${digest}.part.validator`), '"another file"');
    await expect(fetchBundle(options)).resolves.toMatchObject({ digest });
  });

  test('throws a spoiled part away once, and refuses a server whose bytes are wrong, naming both digests', async () => {
    const wrong = Buffer.from(archive);
    wrong[5000] = (wrong[5000] ?? 0) ^ 1;
    const { base, asked } = await server((_req, res) => res.end(wrong));
    const { options, store } = request(base);
    await expect(fetchBundle(options)).rejects.toMatchObject({
      code: 'BUNDLE_DIGEST_MISMATCH',
      lines: [`promised: ${digest}`, expect.stringMatching(/^received: [0-9a-f]{64}$/)],
    });
    expect(asked).toHaveLength(2);
    expect(await store.list()).toEqual([]);
  });

  test.each<[string, Handler, RegExp]>([
    [
      'lies about the length',
      (_req, res) => res.writeHead(200, { 'content-length': 5 }).end('12345'),
      /has 5 bytes, and the statement promises/,
    ],
    [
      'sends more than it should',
      (_req, res) => void (res.write(archive), res.end(Buffer.alloc(100_000))),
      /sends more than/,
    ],
    ['sends a web page', (_req, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<html>'), /web page/],
    [
      'sends a page that is not called one',
      (_req, res) => void (res.write('<html>'), res.end('x')),
      /not a bundle archive/,
    ],
    ['does not have it', (_req, res) => res.writeHead(404).end(), /does not have this bundle/],
    ['refuses access', (_req, res) => res.writeHead(403).end(), /refuses access/],
    [
      'answers with another range',
      (_req, res) => res.writeHead(206, { 'content-range': 'bytes 7-9/10' }).end('123'),
      /another part of the file/,
    ],
    [
      'encodes on the way',
      (_req, res) => res.writeHead(200, { 'content-encoding': 'br' }).end('x'),
      /encodes the archive/,
    ],
    ['always fails', (_req, res) => res.writeHead(503).end(), /answers 503/],
    [
      'redirects in a circle',
      (req, res) => res.writeHead(302, { location: req.url ?? '' }).end(),
      /redirects more than 5 times/,
    ],
    [
      'redirects to a file',
      (_req, res) => res.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      /not http or https/,
    ],
    ['closes every connection', (req) => req.socket.destroy(), /connection was cut|closed/],
    [
      'stops in the middle',
      (_req, res) =>
        void (res.writeHead(200, { 'content-length': archive.length }), res.write(archive.subarray(0, 100))),
      /stopped answering/,
    ],
  ])('a server that %s ends in a clear error, and nothing is stored', async (_what, handler, message) => {
    const { base } = await server(handler);
    const { options, store } = request(base, { idleMs: 300, maxFruitless: 2 });
    await expect(fetchBundle(options)).rejects.toMatchObject({
      code: 'BUNDLE_FETCH_FAILED',
      message: expect.stringMatching(message),
    });
    expect(await store.list()).toEqual([]);
  });

  test('follows a redirect to where the archive really is', async () => {
    const elsewhere = await serve((req, res) => send(req, res, archive.length));
    const { base } = await server((_req, res) => res.writeHead(307, { location: elsewhere }).end());
    await expect(fetchBundle(request(base).options)).resolves.toMatchObject({ digest });
  });

  test('asks for no archive before the signature is accepted', async () => {
    const { base, asked } = await server(good);
    const verify = () => Promise.reject(new EdgectlError('BUNDLE_SIGNATURE', { message: 'no' }));
    await expect(fetchBundle(request(base, { verify }).options)).rejects.toMatchObject({
      code: 'BUNDLE_SIGNATURE',
      exitCode: 4,
    });
    expect(asked).toEqual([]);
  });

  test.each([
    ['of another bundle', () => statement.replace(digest, 'b'.repeat(64)), /about another bundle/],
    ['that promises too much', () => statement.replace(/size=\d+/, 'size=9999999999'), /more than a bundle may have/],
    ['that is a page', () => '<html>', /statement cannot be read/],
    ['without an end', () => 'x'.repeat(70_000), /more than 65536 bytes/],
  ])('a statement %s is refused', async (_what, text, message) => {
    const { base, asked } = await server(good, { statement: text() });
    await expect(fetchBundle(request(base).options)).rejects.toThrow(message);
    expect(asked).toEqual([]);
  });

  test('a server that is not there is said to refuse connections', async () => {
    const base = await serve(() => undefined);
    const gone = servers.pop();
    await new Promise((resolve) => gone?.close(resolve));
    await expect(fetchBundle(request(base).options)).rejects.toMatchObject({
      message: expect.stringMatching(/refuses connections/),
    });
  });

  test('ends at once when it is cancelled', async () => {
    const controller = new AbortController();
    const { base } = await server((_req, res) => {
      res.writeHead(200, { 'content-length': archive.length });
      res.write(archive.subarray(0, 1000), () => controller.abort());
    });
    const { options, pauses } = request(base, { signal: controller.signal });
    await expect(fetchBundle(options)).rejects.toThrow(/abort/i);
    expect(pauses).toEqual([]);
  });

  test('a password in the address is not shown', async () => {
    const { base } = await server((_req, res) => res.writeHead(403).end());
    const secret = base.replace('http://', 'http://user:hunter2@');
    const error = await fetchBundle(request(secret).options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EdgectlError);
    expect(JSON.stringify([(error as EdgectlError).message, (error as EdgectlError).data])).not.toContain('hunter2');
  });
});
