import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fleetNameFrom, initFleet, uncomment } from '../../../src/fleet/init.js';
import { loadFleet } from '../../../src/fleet/load.js';

const id = '01JD8Q2V9Y3K5M7N9P1R3T5V7X';

describe('a new fleet repository', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'fleet-'));
  });
  afterEach(async () => rm(dir, { recursive: true }));

  it('loads as it was written: a fleet without nodes', async () => {
    await initFleet({ dir, name: 'acme', id });
    const fleet = await loadFleet(dir, { env: {} });
    expect(fleet).toMatchObject({ id, name: 'acme', lab: false, nodes: [], runtimes: [] });
    expect([...fleet.policies.keys()].sort()).toEqual(['careful', 'default', 'rehearsal']);
  });

  it('loads with every example uncommented', async () => {
    await initFleet({ dir, name: 'acme', id });
    for (const file of ['fleet.yaml', 'runtimes.yaml', 'policies/careful.yaml']) {
      const full = path.join(dir, file);
      await writeFile(full, uncomment(await readFile(full, 'utf8')));
    }
    const fleet = await loadFleet(dir, { env: { HOME: '/home/ops' } });
    expect(fleet.nodes).toHaveLength(5);
    expect(fleet.nodes[0]).toEqual({
      id: 'pos-berlin-001',
      address: '10.20.1.11',
      port: 22,
      user: 'edgectl',
      identity: ['/home/ops/.ssh/id_ed25519'],
      site: 'berlin',
      region: 'emea',
      labels: { tz: 'Europe/Berlin', role: 'pos' },
      via: [],
      transport: 'ssh',
      groups: [],
      wariness: 0,
      state: 'in-service',
    });
    expect(fleet.nodes[3]).toMatchObject({ port: 2222, user: 'ops', labels: { shop: '017', tz: 'Asia/Tokyo' } });
    expect(fleet.runtimes.map((runtime) => runtime.component)).toEqual(['containerd', 'runc']);
    expect(fleet.runtimes[1]?.digests).toEqual({ all: '3'.repeat(64) });
    expect(fleet.policies.get('careful')?.stages[0]).toMatchObject({
      select: { labels: { ring: 'early' }, limit: '5%' },
      concurrency: 4,
      nodeDeadlineMs: 1_200_000,
      soakMs: 1_800_000,
    });
  });

  it('never overwrites a fleet, nor any other file that is there', async () => {
    await writeFile(path.join(dir, '.gitignore'), 'mine\n');
    const { created, kept } = await initFleet({ dir, name: 'acme', id });
    expect(kept).toEqual(['.gitignore']);
    expect(created).toContain('fleet.yaml');
    await expect(initFleet({ dir, name: 'other', id })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await readFile(path.join(dir, 'fleet.yaml'), 'utf8')).toContain('name: acme');
    expect(await readFile(path.join(dir, '.gitignore'), 'utf8')).toBe('mine\n');
  });

  it('takes its name from the directory', () => {
    expect(fleetNameFrom('/srv/Acme Retail')).toBe('acme-retail');
    expect(fleetNameFrom('/')).toBe('fleet');
    expect(fleetNameFrom('/srv/_x-')).toBe('x');
  });
});
