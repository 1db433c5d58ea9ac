import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadFleet } from '../../../src/fleet/load.js';

describe('registries, lines and images of a fleet', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'fleet-'));
  });
  afterEach(async () => rm(dir, { recursive: true }));

  const load = async (sites: string, images?: string) => {
    const head = 'id: 01JD8Q2V9Y3K5M7N9P1R3T5V7X\nname: acme\n';
    const nodes = 'nodes:\n  a: { address: 10.0.0.1, site: berlin }\n  b: { address: 10.0.0.2 }\n';
    await writeFile(path.join(dir, 'fleet.yaml'), `${head}sites:\n  berlin:\n${sites}${nodes}`);
    if (images !== undefined) await writeFile(path.join(dir, 'images.yaml'), images);
    return await loadFleet(dir, { env: {} });
  };
  const problems = async (sites: string, images?: string): Promise<readonly string[]> =>
    await load(sites, images).then(
      () => [],
      (error: unknown) => (error as { lines: string[] }).lines,
    );

  it('say what is wrong at its place', async () => {
    const sites = [
      '    registry: { url: "http://10.0.0.9:5000", lead: b }',
      '    link: { rate: fast, windows: [22:00-06:00, 25:00-26:00], zone: Europe/Berln, monthly: 20GiB }',
      '',
    ].join('\n');
    const found = (await problems(sites, '- image: till:4.2\n  on: nobody\n')).join('\n');
    expect(found).toMatch(/fleet\.yaml:5:\d+: sites\.berlin\.registry\.lead: the node “b” belongs to another site/);
    expect(found).toMatch(/fleet\.yaml:6:19: sites\.berlin\.link\.rate: expected a rate such as 8Mbit\/s/);
    expect(found).toMatch(/sites\.berlin\.link\.zone: expected an IANA time zone/);
    expect(found).toMatch(/sites\.berlin\.link\.monthly: expected a size such as 20GB/);
    expect(found).toMatch(/images\.yaml:1:10: \[0\]\.image: expected REGISTRY\/REPOSITORY:TAG/);
    expect(found).toMatch(/images\.yaml:2:7: \[0\]\.on: there is no node “nobody”/);
  });

  it('want TLS beyond loopback, a zone beside windows, and a lead node that is there', async () => {
    expect((await problems('    registry: { url: "http://10.0.0.9:5000" }\n')).join()).toMatch(
      /fleet\.yaml:5:\d+: sites\.berlin\.registry\.url: expected https, loopback, or “insecure: true” beside it/,
    );
    expect((await problems('    link: { windows: 22:00-06:00 }\n')).join()).toMatch(/whose time is meant/);
    expect((await problems('    registry: { url: "https://r:5000", lead: c }\n')).join()).toMatch(
      /there is no node “c”/,
    );
    expect(await problems('    registry: { url: "http://10.0.0.9:5000", insecure: true }\n')).toEqual([]);
  });

  it('change the digest of the fleet only when they are there', async () => {
    const site = '    region: default\n';
    const without = await load('    labels: { tz: UTC }\n');
    expect(without.images).toBeUndefined();
    const images = '- image: registry.example.org/shop/till:4.2\n';
    const fleet = await load('    labels: { tz: UTC }\n', images);
    expect(fleet.images).toEqual([
      { image: 'registry.example.org/shop/till:4.2', on: '', platforms: 'nodes', insecure: false },
    ]);
    expect(fleet.digest).not.toBe(without.digest);
    expect((await problems(site)).join()).toContain('region');
  });
});
