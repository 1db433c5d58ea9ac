import { afterEach, describe, expect, test } from 'vitest';
import { RegistryClient } from '../../../src/registry/client.js';
import { digestOf } from '../../../src/registry/digest.js';
import type { RegistrySettings } from '../../../src/registry/settings.js';
import type { Fault, FaultyOptions, Seen } from '../../helpers/faulty-registry.js';
import { FaultyRegistry } from '../../helpers/faulty-registry.js';
import { imageType, noise, putImage, testSettings } from '../../helpers/oci.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function registry(options: FaultyOptions = {}): Promise<FaultyRegistry> {
  const started = await new FaultyRegistry(options).start();
  cleanups.push(() => started.stop());
  return started;
}

function client(host: string, more: Partial<RegistrySettings> = {}): RegistryClient & { pauses: number[] } {
  const settings = testSettings(more);
  const made = new RegistryClient(host, settings);
  cleanups.push(() => made.close());
  return Object.assign(made, { pauses: settings.pauses });
}

/** Faults for the first requests that match, one after the other; none afterwards. */
function faults(matches: (request: Seen) => boolean, ...list: Fault[]): NonNullable<FaultyOptions['fault']> {
  const rest = [...list];
  return (request) => (matches(request) ? rest.shift() : undefined);
}
const method = (name: string) => (request: Seen) => request.method === name && request.url.startsWith('/v2/a/blobs');

async function all(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('reading a manifest', () => {
  test('keeps the bytes as they came, by tag and by digest', async () => {
    const there = await registry();
    const raw = Buffer.from(
      `{ "schemaVersion":2,\n "config": ${JSON.stringify(there.blob('a', noise(9)))}, "layers":[ ] }`,
    );
    const { digest } = there.manifest('a', raw, 'one');
    const asked = client(there.host);
    for (const name of ['one', digest]) expect((await asked.getManifest('a', name)).raw.equals(raw)).toBe(true);
    expect(await asked.headManifest('a', 'one')).toMatchObject({ digest, size: raw.length });
    expect(await asked.headManifest('a', 'two')).toBeUndefined();
  });

  test('refuses what does not have its digest, what is too large, and what is not there', async () => {
    const there = await registry();
    const { digest } = putImage(there, 'a', [noise(10)], 'one');
    there.manifests.set('a@large', { raw: Buffer.alloc(5 * 1024 * 1024, 32), type: imageType });
    const asked = client(there.host);
    there.fault = (request) => (request.url.includes(digest) ? { corruptAt: 5 } : undefined);
    await expect(asked.getManifest('a', digest)).rejects.toMatchObject({ code: 'OCI_DIGEST_MISMATCH' });
    await expect(asked.getManifest('a', 'large')).rejects.toMatchObject({ code: 'OCI_MANIFEST_TOO_LARGE' });
    await expect(asked.getManifest('a', 'none')).rejects.toMatchObject({ code: 'OCI_NOT_FOUND' });
  });

  test('waits as long as a registry asks, tries 5xx again, and gives up by name', async () => {
    const there = await registry();
    putImage(there, 'a', [noise(10)], 'one');
    const asked = client(there.host);
    there.fault = faults(
      () => true,
      { status: 429, headers: { 'retry-after': '7' } },
      { status: 503 },
      { cutAnswer: 10 },
    );
    await asked.getManifest('a', 'one');
    expect(asked.pauses[0]).toBe(7000);
    expect(asked.pauses).toHaveLength(3);
    there.fault = () => ({ status: 500, body: '{"errors":[{"code":"UNKNOWN","message":"disk \\u001b[31mfull"}]}' });
    const failure = await asked.getManifest('a', 'one').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'OCI_REGISTRY_FAILED' });
    expect(String(failure)).toContain('disk \\x1b[31mfull');
    there.fault = () => ({ status: 429, headers: { 'retry-after': '86400' } });
    await expect(asked.getManifest('a', 'one')).rejects.toThrow('86400 s of pause');
  });

  test('says that a registry is not there', async () => {
    const there = await registry();
    const { host } = there;
    await there.stop();
    cleanups.pop();
    await expect(client(host).getManifest('a', 'one')).rejects.toMatchObject({ code: 'OCI_UNREACHABLE' });
  });

  test('ends with the signal', async () => {
    const there = await registry({ fault: () => ({ status: 503 }) });
    const stop = new AbortController();
    const asked = client(there.host, { signal: stop.signal, pause: () => Promise.resolve(stop.abort()) });
    await expect(asked.getManifest('a', 'one')).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('redirects', () => {
  test('never carry credentials to another host, go on a few times only, and never to something else than http', async () => {
    const store = await registry();
    const bytes = noise(2000);
    const blob = store.blob('a', bytes);
    const there = await registry();
    there.fault = ({ headers, url }) => {
      if (headers.authorization === undefined)
        return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
      return { status: 307, headers: { location: `http://${store.host}${url}` } };
    };
    const credentials = () => Promise.resolve({ username: 'me', password: 'secret' });
    const asked = client(there.host, { credentials });
    expect((await asked.smallBlob('a', blob, 5000)).equals(bytes)).toBe(true);
    expect(there.seen.at(-1)?.headers.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
    expect(store.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    there.fault = ({ url }) => ({ status: 302, headers: { location: url } });
    await expect(asked.smallBlob('a', blob, 5000)).rejects.toThrow('redirects more than 5 times');
    there.fault = () => ({ status: 302, headers: { location: 'file:///etc/passwd' } });
    await expect(asked.smallBlob('a', blob, 5000)).rejects.toThrow('redirects from http: to file:');
    there.fault = () => ({ status: 307, headers: { location: `http://${store.host}/` } });
    await expect(
      asked.upload({ repository: 'a', blob, open: () => asked.readBlob('a', blob), origin: 'here' }),
    ).rejects.toThrow('redirects a POST');
  });
});

describe('reading a blob', () => {
  test('goes on at the byte where each connection was cut', async () => {
    const there = await registry();
    const bytes = noise(300_000);
    const blob = there.blob('a', bytes);
    there.fault = faults(method('GET'), { cutAnswer: 100_000 }, { cutAnswer: 0 }, { cutAnswer: 100_000 });
    expect(digestOf(await all(client(there.host).readBlob('a', blob)))).toBe(blob.digest);
    const starts = there.seen.map(({ headers }) => Number(/\d+/.exec(headers.range ?? '0')?.[0]));
    expect(starts[0]).toBe(0);
    expect(starts.at(-1)).toBeGreaterThan(0);
  });

  test('takes the whole for a range only while that costs little', async () => {
    const there = await registry();
    const bytes = noise(200_000);
    const blob = there.blob('a', bytes);
    there.fault = (request) => (method('GET')(request) ? { ignoreRange: true } : undefined);
    expect((await all(client(there.host).readBlob('a', blob, 150_000))).equals(bytes.subarray(150_000))).toBe(true);
    const far = { ...blob, size: 70_000_000 };
    there.fault = () => ({ status: 200, headers: { 'content-length': '70000000' } });
    await expect(all(client(there.host).readBlob('a', far, 65 * 1024 * 1024))).rejects.toThrow('cannot continue');
  });

  test.each([
    ['another part', { 'content-range': 'bytes 5-9/2000', 'content-length': '5' }, 'another part'],
    ['another length', { 'content-range': 'bytes 1000-2999/3000' }, '3000 bytes, not 2000'],
    ['compressed bytes', { 'content-encoding': 'gzip' }, 'encodes the blob'],
  ])('refuses %s than was asked for', async (_what, headers, message) => {
    const there = await registry({ fault: () => ({ status: 206, headers, body: 'hello' }) });
    const blob = { digest: digestOf(noise(2000)), size: 2000 };
    await expect(all(client(there.host).readBlob('a', blob, 1000))).rejects.toThrow(message);
  });

  test('refuses a small blob that is another one', async () => {
    const there = await registry({ fault: () => ({ corruptAt: 3 }) });
    const blob = there.blob('a', noise(100));
    await expect(client(there.host).smallBlob('a', blob, 1000)).rejects.toMatchObject({ code: 'OCI_DIGEST_MISMATCH' });
    await expect(client(there.host).smallBlob('a', blob, 99)).rejects.toThrow('99 may be');
  });
});

describe('bringing a blob', () => {
  const bytes = noise(5_000_000);
  const blob = { digest: digestOf(bytes), size: bytes.length };
  const open = (offset: number) => slices(bytes, offset);

  test('goes on at the true offset when the connection is cut, and sends nothing twice', async () => {
    const there = await registry();
    there.fault = faults(method('PATCH'), { cutRequest: 1_300_001 }, { cutRequest: 700_000 });
    const result = await client(there.host).upload({ repository: 'a', blob, open, origin: 'here' });
    expect(result.how).toBe('sent');
    expect(there.blobs.get(`a@${blob.digest}`)?.equals(bytes)).toBe(true);
    const starts = there.seen.filter(({ method }) => method === 'PATCH').map(({ headers }) => headers['content-range']);
    expect(starts.map((range) => Number(range?.split('-')[0]))).toEqual([0, 1_300_001, 2_000_001]);
  });

  test('goes on in another process from the place that was written down', async () => {
    const there = await registry();
    const kept = new Map<string, string>();
    const journal = {
      get: (key: string) => Promise.resolve(kept.get(key)),
      put: (key: string, location: string) => Promise.resolve(void kept.set(key, location)),
      drop: (key: string) => Promise.resolve(void kept.delete(key)),
    };
    const request = { repository: 'a', blob, open, origin: 'here', journal };
    there.fault = (seen) =>
      seen.method === 'PATCH' ? { cutRequest: 3_000_000 } : seen.method === 'GET' ? { status: 503 } : undefined;
    await expect(client(there.host).upload(request)).rejects.toMatchObject({ code: 'OCI_REGISTRY_FAILED' });
    expect(kept.size).toBe(1);
    there.fault = undefined;
    let sent = 0;
    const again = { ...request, onSent: (more: number) => (sent += more) };
    expect(await client(there.host).upload(again)).toEqual({ how: 'sent', resumedAt: 3_000_000 });
    expect(sent).toBe(bytes.length - 3_000_000);
    expect(there.blobs.get(`a@${blob.digest}`)?.equals(bytes)).toBe(true);
    expect(kept.size).toBe(0);
  });

  test.each<[string, Fault, number]>([
    ['the answer to a part is lost', { loseAnswer: true }, 1],
    ['the session is lost', { loseSession: true }, 2],
    ['a part is refused for a moment', { status: 503 }, 2],
    ['the token ends', { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }, 2],
    ['no such large part is taken', { status: 413 }, 2],
  ])('survives that %s', async (_what, fault, sessions) => {
    const there = await registry();
    there.fault = faults(method('PATCH'), fault);
    const credentials = () => Promise.resolve({ username: 'me', password: 'secret' });
    await client(there.host, { credentials }).upload({ repository: 'a', blob, open, origin: 'here' });
    expect(there.blobs.get(`a@${blob.digest}`)?.equals(bytes)).toBe(true);
    expect(there.seen.filter(({ method }) => method === 'POST')).toHaveLength(sessions);
  });

  test('sends nothing again when only the last answer was lost', async () => {
    const there = await registry();
    there.fault = faults(method('PUT'), { loseAnswer: true });
    await client(there.host).upload({ repository: 'a', blob, open, origin: 'here' });
    expect(there.received).toBe(bytes.length);
  });

  test('asks a wrong source once more, then refuses it by name and closes no upload', async () => {
    const there = await registry();
    const wrong = Buffer.from(bytes);
    wrong[4_000_000] = (wrong[4_000_000] ?? 0) ^ 1;
    let opened = 0;
    const bad = (offset: number) => (opened++, slices(wrong, offset));
    const failure = client(there.host).upload({ repository: 'a', blob, open: bad, origin: 'r.example/source' });
    await expect(failure).rejects.toThrow(/r\.example\/source sends something else/);
    await expect(failure).rejects.toMatchObject({ code: 'OCI_DIGEST_MISMATCH' });
    expect(opened).toBe(2);
    expect(there.seen.some(({ method }) => method === 'PUT')).toBe(false);
    expect(there.uploads.size).toBe(0);
  });

  test('finds out that a source does not send the same twice, though the hash alone would be right', async () => {
    const there = await registry();
    const wrong = Buffer.from(bytes);
    wrong[1_200_000] = (wrong[1_200_000] ?? 0) ^ 1;
    // The first reading is wrong before the cut; the second, which the hash would continue on, is right.
    let opened = 0;
    const twofold = (offset: number) => slices(opened++ === 0 ? wrong : bytes, offset);
    there.fault = faults(method('PATCH'), { cutRequest: 1_500_000 });
    await client(there.host).upload({ repository: 'a', blob, open: twofold, origin: 'here' });
    expect(there.blobs.get(`a@${blob.digest}`)?.equals(bytes)).toBe(true);
  });

  test('is given up after some sessions that the registry lost, so that its disk is not filled', async () => {
    const there = await registry();
    there.fault = (request) => (method('PATCH')(request) ? { loseSession: true } : undefined);
    await expect(client(there.host).upload({ repository: 'a', blob, open, origin: 'here' })).rejects.toMatchObject({
      code: 'OCI_REGISTRY_FAILED',
    });
    expect(there.seen.filter(({ method }) => method === 'POST')).toHaveLength(4);
  });

  test('mounts what another repository has, and sends it where that is not done', async () => {
    for (const mount of [true, false]) {
      const there = await registry({ mount });
      there.blob('b', bytes);
      const result = await client(there.host).upload({ repository: 'a', blob, open, origin: 'here', mountFrom: 'b' });
      expect(result.how).toBe(mount ? 'mounted' : 'sent');
      expect(there.blobs.has(`a@${blob.digest}`)).toBe(true);
      expect(there.received).toBe(mount ? 0 : bytes.length);
    }
  });

  test.each([0, 1, 1000, 256 * 1024, 256 * 1024 + 1])('%i bytes arrive as they are', async (size) => {
    const there = await registry();
    const some = noise(size);
    const small = { digest: digestOf(some), size };
    await client(there.host).upload({ repository: 'a', blob: small, open: (at) => slices(some, at), origin: 'here' });
    expect(there.blobs.get(`a@${small.digest}`)?.equals(some)).toBe(true);
  });

  test('understands the ways in which registries say how much they have', async () => {
    for (const range of ['bytes=0-1299999', '0-1299999']) {
      const there = await registry();
      const cut = faults(method('PATCH'), { cutRequest: 1_300_000 });
      there.fault = (seen, count) =>
        seen.method === 'GET' ? { status: 204, headers: { range, location: seen.url } } : cut(seen, count);
      await client(there.host).upload({ repository: 'a', blob, open, origin: 'here' });
      expect(there.received).toBeLessThan(bytes.length + 1_000_000);
      expect(there.blobs.get(`a@${blob.digest}`)?.equals(bytes)).toBe(true);
    }
  });
});

async function* slices(bytes: Buffer, offset: number): AsyncGenerator<Buffer> {
  await Promise.resolve();
  for (let at = offset; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
