import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { connect } from 'node:net';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RegistryClient } from '../../../src/registry/client.js';
import { closureOf } from '../../../src/registry/closure.js';
import { copy, fromRegistry } from '../../../src/registry/copy.js';
import { digestOf } from '../../../src/registry/digest.js';
import { listReferrers } from '../../../src/registry/referrers.js';
import { dockerCredentials } from '../../../src/registry/credentials.js';
import type { RegistrySettings } from '../../../src/registry/settings.js';
import { registrySettings } from '../../../src/registry/settings.js';
import { tarOf } from '../../helpers/bundle-fixtures.js';
import type { DockerRegistry } from '../../helpers/docker-registry.js';
import { startDockerRegistry } from '../../helpers/docker-registry.js';
import { imageType, noise, testSettings } from '../../helpers/oci.js';
import { requires } from '../../helpers/requires.js';

const need = requires('docker-registry', 'skopeo');
const shell = promisify(execFile);

describe.skipIf(need.skip)('with real docker-registry processes and skopeo', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'edgectl-images-'));
  const clients: RegistryClient[] = [];
  let central: DockerRegistry;
  let site: DockerRegistry;
  const policy = path.join(dir, 'policy.json');

  beforeAll(async () => {
    [central, site] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
    writeFileSync(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
  });
  afterAll(async () => {
    await central?.stop();
    await site?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const client = (host: string, more: Partial<RegistrySettings> = {}): RegistryClient => {
    const made = new RegistryClient(host, testSettings(more));
    clients.push(made);
    return made;
  };
  const skopeo = async (...args: string[]): Promise<string> =>
    (await shell('skopeo', ['--policy', policy, ...args], { maxBuffer: 1e7 })).stdout;

  /** An image as skopeo pushes it, from an OCI layout on disk. */
  async function pushImage(to: string, seed: number): Promise<string> {
    const layout = path.join(dir, `layout-${seed}`);
    const blobs = path.join(layout, 'blobs', 'sha256');
    mkdirSync(blobs, { recursive: true });
    const put = (bytes: Buffer, mediaType: string) => {
      const digest = digestOf(bytes);
      writeFileSync(path.join(blobs, digest.replace('sha256:', '')), bytes);
      return { mediaType, digest, size: bytes.length };
    };
    const tar = await tarOf([{ name: 'data', content: noise(1_500_000, seed) }]);
    const layer = put(gzipSync(tar, { level: 1 }), 'application/vnd.oci.image.layer.v1.tar+gzip');
    const config = put(
      Buffer.from(
        JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [digestOf(tar)] } }),
      ),
      'application/vnd.oci.image.config.v1+json',
    );
    const manifest = put(
      Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: imageType, config, layers: [layer] }, null, 2)),
      imageType,
    );
    writeFileSync(path.join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(path.join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [manifest] }));
    await skopeo('copy', '--dest-tls-verify=false', `oci:${layout}`, `docker://${to}`);
    return manifest.digest;
  }

  test('copies what skopeo pushed so that skopeo pulls it, and finds nothing to send the second time', async () => {
    const digest = await pushImage(`${central.host}/shop/app:1`, 1);
    const [source, target] = [client(central.host), client(site.host)];
    const run = async () => {
      const closure = await closureOf(
        source,
        'shop/app',
        await source.resolve({ registry: '', repository: 'shop/app', tag: '1' }),
      );
      return await copy({
        content: fromRegistry(source, 'shop/app'),
        closure,
        target,
        repository: 'shop/app',
        tag: '1',
      });
    };
    const first = await run();
    expect(first.plan.root).toBe(digest);
    expect(first.sent).toBeGreaterThan(1_400_000);
    expect((await run()).sent).toBe(0);
    const inspected = await skopeo('inspect', '--raw', '--tls-verify=false', `docker://${site.host}/shop/app:1`);
    expect(digestOf(Buffer.from(inspected))).toBe(digest);
    // skopeo verifies every layer on its way to a directory.
    await skopeo('copy', '--src-tls-verify=false', `docker://${site.host}/shop/app:1`, `dir:${dir}/pulled`);
    expect(digestOf(readFileSync(`${dir}/pulled/manifest.json`))).toBe(digest);
    const mounted = await copy({
      ...{
        content: fromRegistry(source, 'shop/app'),
        closure: await closureOf(source, 'shop/app', await source.getManifest('shop/app', '1')),
      },
      ...{ target, repository: 'other/app', tag: '1', mountFrom: 'shop/app' },
    });
    expect(mounted).toMatchObject({ sent: 0, mounted: 2 });
  });

  test('keeps a WebAssembly module and its signature, which are found by the fallback tag', async () => {
    const source = client(central.host);
    const put = async (bytes: Buffer, mediaType: string) => {
      const blob = { mediaType, digest: digestOf(bytes), size: bytes.length };
      await source.upload({ repository: 'wasm', blob, origin: 'here', open: (at) => once(bytes.subarray(at)) });
      return blob;
    };
    const manifest = async (json: object, tag?: string) => {
      const raw = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: imageType, ...json }));
      const descriptor = { mediaType: imageType, digest: digestOf(raw), size: raw.length };
      await source.putManifest('wasm', tag ?? descriptor.digest, { raw, descriptor });
      return descriptor;
    };
    const config = await put(Buffer.from('{}'), 'application/vnd.wasm.config.v0+json');
    const module_ = await manifest({ config, layers: [await put(noise(400_000, 5), 'application/wasm')] }, '1');
    const signature = await manifest({
      config,
      layers: [await put(Buffer.from('signed'), 'text/plain')],
      subject: module_,
    });
    const { addToFallback } = await import('../../../src/registry/referrers.js');
    await addToFallback(source, 'wasm', module_.digest, [await source.getManifest('wasm', signature.digest)]);

    const target = client(site.host);
    const closure = await closureOf(source, 'wasm', await source.getManifest('wasm', '1'));
    await copy({ content: fromRegistry(source, 'wasm'), closure, target, repository: 'wasm', tag: '1' });
    const found = await listReferrers(target, 'wasm', module_.digest);
    expect(found.map(({ digest }) => digest)).toEqual([signature.digest]);
  });

  test('begins again, a bounded number of times, where a cut upload cannot be continued', async () => {
    // docker-registry 2.8 forgets an upload whose connection was cut in the middle of a part.
    const bytes = noise(3_000_000, 8);
    const blob = { digest: digestOf(bytes), size: bytes.length };
    const target = client(site.host);
    let opened = 0;
    const open = (offset: number) => cutOnce(bytes.subarray(offset), opened++ === 0);
    const result = await target.upload({ repository: 'cut', blob, open, origin: 'here' });
    expect(result.how).toBe('sent');
    expect(opened).toBe(2);
    expect(await target.headBlob('cut', blob.digest)).toBe(bytes.length);
  });

  test('signs in with what docker login wrote, over TLS with its own CA, and not without', async () => {
    const certificate = path.join(dir, 'cert.pem');
    const key = path.join(dir, 'key.pem');
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=site',
      ].concat(['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate]),
      { stdio: 'ignore' },
    );
    // bcrypt of “secret”.
    writeFileSync(path.join(dir, 'htpasswd'), 'me:$2b$05$F5nCyrRYDQCECV5FDjjMOufksjHzAH3jtImPlS8.2iXY3OFE25fR6\n');
    const locked = await startDockerRegistry({
      http: { tls: { certificate, key } },
      auth: { htpasswd: { realm: 'site', path: path.join(dir, 'htpasswd') } },
    });
    try {
      mkdirSync(path.join(dir, '.docker'), { recursive: true });
      const write = (text: string): void =>
        writeFileSync(
          path.join(dir, '.docker', 'config.json'),
          JSON.stringify({ auths: { [locked.host]: { auth: Buffer.from(text).toString('base64') } } }),
        );
      write('me:secret');
      const ca = readFileSync(certificate, 'utf8');
      const settings = { plainHttp: () => false, ca, credentials: dockerCredentials({ HOME: dir }) };
      expect(await client(locked.host, settings).headManifest('a', 'one')).toBeUndefined();
      write('me:wrong');
      await expect(client(locked.host, settings).headManifest('a', 'one')).rejects.toMatchObject({ code: 'OCI_AUTH' });
      const untrusting = client(locked.host, { plainHttp: () => false });
      await expect(untrusting.headManifest('a', 'one')).rejects.toThrow('certificate is not trusted');
    } finally {
      await locked.stop();
    }
  });

  test('goes through the proxy that the environment names, and around it for those it excepts', async () => {
    const { url, seen, close } = await proxy();
    try {
      const signal = new AbortController().signal;
      const through = await registrySettings({ env: { http_proxy: url }, signal });
      const around = await registrySettings({ env: { HTTP_PROXY: url, NO_PROXY: '127.0.0.1' }, signal });
      for (const settings of [through, around])
        expect(await client(site.host, settings).headManifest('a', 'none')).toBeUndefined();
      expect(seen).toEqual([site.host]);
    } finally {
      await close();
    }
  });
});

/** An HTTP proxy: whole addresses for plain HTTP, and CONNECT. */
async function proxy(): Promise<{ url: string; seen: string[]; close: () => Promise<void> }> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((asked, answer) => {
    const { host, hostname, port, pathname } = new URL(asked.url ?? '');
    seen.push(host);
    const { method, headers } = asked;
    const onward = request({ host: hostname, port, path: pathname, method, headers }, (heard) => {
      answer.writeHead(heard.statusCode ?? 502, heard.headers);
      heard.pipe(answer);
    });
    asked.pipe(onward.on('error', () => answer.destroy()));
  }).on('connect', (asked: { url?: string }, inner: Socket) => {
    seen.push(asked.url ?? '');
    const [host = '', port = ''] = (asked.url ?? '').split(':');
    const outer = connect(Number(port), host, () => inner.write('HTTP/1.1 200 OK\r\n\r\n'));
    for (const socket of [inner, outer]) sockets.add(socket.on('error', () => undefined));
    inner.pipe(outer).pipe(inner);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  await Promise.resolve();
  yield bytes;
}

/** The first reading fails in the middle as a cut connection does. */
async function* cutOnce(bytes: Buffer, cut: boolean): AsyncGenerator<Buffer> {
  await Promise.resolve();
  for (let at = 0; at < bytes.length; at += 65_536) {
    if (cut && at > 1_000_000) throw Object.assign(new Error('cut'), { code: 'ECONNRESET' });
    yield bytes.subarray(at, at + 65_536);
  }
}
