import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DockerRegistry } from '../../helpers/docker-registry.js';
import { startDockerRegistry } from '../../helpers/docker-registry.js';
import { FaultyRegistry } from '../../helpers/faulty-registry.js';
import { noise, putImage } from '../../helpers/oci.js';
import { requires } from '../../helpers/requires.js';
import { siteFleet, type SiteFleet } from '../../helpers/site-fleet.js';
import { freePort } from '../../helpers/sshd.js';
import { until } from '../../helpers/until.js';

const need = requires('sshd', 'docker-registry', 'skopeo', 'curl');
const shell = promisify(execFile);

describe.skipIf(need.skip)('cache plan and fill, over sshd into real docker-registry processes', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'edgectl-cache-'));
  let central: FaultyRegistry;
  let site: DockerRegistry;
  let fleet: SiteFleet;

  beforeAll(async () => {
    writeFileSync(join(scratch, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
    [central, site] = await Promise.all([new FaultyRegistry({ referrers: true }).start(), startDockerRegistry()]);
    fleet = await siteFleet({ berlin: { registry: site.host, link: { rate: '80Mbit/s' } } });
  });
  afterEach(() => {
    central.fault = undefined;
  });
  afterAll(async () => {
    await fleet?.close();
    await central?.stop();
    await site?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  const skopeo = async (...args: string[]): Promise<string> =>
    (await shell('skopeo', ['--policy', join(scratch, 'policy.json'), ...args], { maxBuffer: 1e7 })).stdout;

  it('says what is missing, brings it, tags it, and finds nothing missing then; skopeo pulls it', async () => {
    const image = putImage(central, 'shop/app', [noise(2_000_000, 1), noise(700_000, 2)], '1');
    fleet.images([{ image: `${central.host}/shop/app:1` }]);
    const before = await fleet.json('cache', 'plan');
    expect(before.exitCode).toBe(0);
    expect(before.envelope.result.sites[0]).toMatchObject({ site: 'berlin', executor: 'pull', problems: [] });
    expect(before.envelope.result.sites[0].missing).toBeGreaterThan(2_700_000);
    const filled = await fleet.json('cache', 'fill', '--yes');
    expect(filled.envelope.result?.sites, JSON.stringify(filled)).toMatchObject([{ site: 'berlin', state: 'done' }]);
    expect(filled.exitCode).toBe(0);
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', `docker://${site.host}/shop/app:1`);
    expect(raw).toBe(central.manifests.get(`shop/app@${image.digest}`)?.raw.toString());
    // Layers of the tests are no archives: a copy to a directory verifies each digest without unpacking any.
    await skopeo('copy', '--src-tls-verify=false', `docker://${site.host}/shop/app:1`, `dir:${scratch}/pulled`);
    const after = await fleet.json('cache', 'plan');
    expect(after.envelope.result.sites[0]).toMatchObject({ missing: 0 });
    expect(readdirSync(join(fleet.spool('berlin'), 'parts'))).toEqual([]);
    expect((await fleet.edgectl('cache', 'plan')).stdout).toContain('1 site, nothing missing.');
  });

  it('fills by a plan file while nobody watches; a plan of another fleet, and a site away, are told apart', async () => {
    putImage(central, 'shop/menu', [noise(400_000, 3)], '2');
    fleet.images([{ image: `${central.host}/shop/menu:2` }]);
    const file = join(scratch, 'plan.json');
    expect((await fleet.edgectl('cache', 'plan', '--out', file)).exitCode).toBe(0);
    expect(await fleet.json('cache', 'fill', file, '--yes', '--detach')).toMatchObject({ exitCode: 0 });
    await until('the site has it', () => fleet.events('berlin').filter(({ t }) => t === 'over').length >= 2);
    const status = await fleet.json('cache', 'status');
    expect(status.envelope.result.sites[0].jobs).toMatchObject([{ state: 'done' }, { state: 'done' }]);
    const original = readFileSync(join(fleet.dir, 'fleet.yaml'), 'utf8');
    try {
      writeFileSync(join(fleet.dir, 'fleet.yaml'), original.replace('TEST0', 'TEST1'));
      const foreign = await fleet.json('cache', 'fill', file, '--yes');
      expect(foreign).toMatchObject({ exitCode: 8, envelope: { error: { code: 'PLAN_STALE' } } });
      const gone = original.replace(`port: ${fleet.sshd.port}`, `port: ${await freePort()}`);
      writeFileSync(join(fleet.dir, 'fleet.yaml'), gone);
      const away = await fleet.json('cache', 'plan');
      expect(away.exitCode).toBe(3);
      expect(away.envelope.result.unasked).toMatchObject([{ site: 'berlin', kind: 'unreachable' }]);
    } finally {
      writeFileSync(join(fleet.dir, 'fleet.yaml'), original);
    }
  });
});
