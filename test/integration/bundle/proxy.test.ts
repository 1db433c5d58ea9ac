import { spawn, type ChildProcess } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { startDockerRegistry, type DockerRegistry } from '../../helpers/docker-registry.js';
import { labFleet, type LabFleet } from '../../helpers/lab-fleet.js';
import { requires } from '../../helpers/requires.js';
import { freePort } from '../../helpers/sshd.js';
import { until } from '../../helpers/until.js';

const need = requires('tinyproxy', 'docker-registry', 'ssh-keygen');

describe.skipIf(need.skip)('a bundle for a site with a proxy of its own', () => {
  const version = '1.1.0';
  let fleet: LabFleet;
  let registry: DockerRegistry;
  let proxy: Tinyproxy;
  let server: Server;
  let shelf: string;
  let base: string;
  beforeAll(async () => {
    [fleet, registry, proxy] = await Promise.all([labFleet(1, 1), startDockerRegistry(), Tinyproxy.start()]);
    const digest = fleet.digests[version] ?? '';
    shelf = mkdtempSync(path.join(tmpdir(), 'edgectl-shelf-'));
    await cp(stored(), path.join(shelf, digest), { recursive: true });
    server = createServer((request, response) => {
      const file = path.join(shelf, path.normalize(request.url ?? ''));
      createReadStream(file)
        .on('error', () => response.writeHead(404).end())
        .pipe(response);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await fleet.json('runtime', 'push', digest, `${registry.host}/edge/runtimes`);
  });
  afterAll(async () => {
    server?.close();
    await Promise.all([fleet?.close(), registry?.stop(), proxy?.stop()]);
    rmSync(shelf, { recursive: true, force: true });
  });

  const stored = (): string =>
    path.join(fleet.env['XDG_DATA_HOME'] ?? '', 'edgectl/bundles', fleet.digests[version] ?? '');
  const want = async (source: string, said: string): Promise<void> => {
    const runtime = { runtime: 'lab-runtime', version, digest: `sha256:${fleet.digests[version] ?? ''}`, source };
    await writeFile(path.join(fleet.dir, 'runtimes.yaml'), stringify([runtime]));
    const file = path.join(fleet.dir, 'fleet.yaml');
    const document = parse(await readFile(file, 'utf8')) as { sites: Record<string, { proxy?: string }> };
    for (const site of Object.values(document.sites)) site.proxy = said;
    await writeFile(file, stringify(document));
    await rm(stored(), { recursive: true, force: true });
  };
  const fetch = () => fleet.json('rollout', 'runtime', '--dry-run');

  it.each([
    ['a bundle server', () => base],
    ['a registry', () => `oci://${registry.host}/edge/runtimes`],
  ])('is fetched through it from %s, and directly where the site says so', async (_name, from) => {
    const host = new URL(from().replace('oci:', 'http:')).host;
    await want(from(), proxy.url);
    const through = await fetch();
    expect(through.exitCode, through.stdout + through.stderr).toBe(0);
    const asked = proxy.log().filter((line) => line.includes(host)).length;
    expect(asked).toBeGreaterThanOrEqual(3);
    await want(from(), 'direct');
    fleet.env['http_proxy'] = 'http://127.0.0.1:1';
    const direct = await fetch().finally(() => delete fleet.env['http_proxy']);
    expect(direct.exitCode, direct.stdout + direct.stderr).toBe(0);
    expect(proxy.log().filter((line) => line.includes(host))).toHaveLength(asked);
  });

  it('is not fetched past a proxy that is down, nor past one of the environment', async () => {
    const dead = `http://127.0.0.1:${await freePort()}`;
    await want(base, dead);
    const refused = await fetch();
    expect([refused.exitCode, refused.envelope.error?.code]).toEqual([1, 'BUNDLE_FETCH_FAILED']);
    await want(base, 'direct');
    const text = await readFile(path.join(fleet.dir, 'fleet.yaml'), 'utf8');
    await writeFile(path.join(fleet.dir, 'fleet.yaml'), text.replaceAll(/^ *proxy: direct\n/gmu, ''));
    fleet.env['http_proxy'] = dead;
    const environment = await fetch().finally(() => delete fleet.env['http_proxy']);
    expect([environment.exitCode, environment.envelope.error?.code]).toEqual([1, 'BUNDLE_FETCH_FAILED']);
  });
});

/** A real HTTP proxy on loopback, with the log that it keeps. */
class Tinyproxy {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly dir: string,
  ) {}

  static async start(): Promise<Tinyproxy> {
    const dir = mkdtempSync(path.join(tmpdir(), 'edgectl-proxy-'));
    const port = await freePort();
    const config = [
      `Port ${port}`,
      'Listen 127.0.0.1',
      'Timeout 600',
      'MaxClients 50',
      `LogFile "${dir}/log"`,
      'LogLevel Connect',
    ];
    writeFileSync(path.join(dir, 'config'), `${config.join('\n')}\n`);
    const child = spawn('tinyproxy', ['-d', '-c', path.join(dir, 'config')], { stdio: 'ignore' });
    const up = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true))).on('error', () =>
          resolve(false),
        );
      });
    await until('the proxy listens', up);
    return new Tinyproxy(`http://127.0.0.1:${port}`, child, dir);
  }

  /** Requests that it has carried. */
  log(): string[] {
    return readFileSync(path.join(this.dir, 'log'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('Request (file descriptor'));
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await gone;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
