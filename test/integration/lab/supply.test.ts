import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeKeyPair } from '../../../src/lab/key-pair.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBundleStore } from '../../../src/bundle/store.js';
import { loadFleet } from '../../../src/fleet/load.js';
import { verifyText } from '../../../src/keys/verify.js';
import { fleetYaml, knownHosts, runtimesYaml } from '../../../src/lab/fleet-files.js';
import { labLayout } from '../../../src/lab/layout.js';
import { labRoster } from '../../../src/lab/roster.js';
import { installLabKey, packLabRuntimes, writeRuntime } from '../../../src/lab/supply.js';
import { requires } from '../../helpers/requires.js';

const fleetId = '01JD8Q0000000000000000000A';
const need = requires('ssh-keygen');
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lab-supply-'));
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

describe.skipIf(need.skip)('the supplies of a lab', () => {
  it('are a signing key, signed bundles, and a fleet repository that loads', async () => {
    const layout = labLayout(join(dir, 'lab'));
    const env = { HOME: dir, XDG_CONFIG_HOME: join(dir, 'config'), XDG_DATA_HOME: join(dir, 'data') };
    await mkdir(layout.fleetDir, { recursive: true });
    const left = await installLabKey({ layout, fleetId, env });
    const packed = await packLabRuntimes({ layout, fleetId, env, now: () => new Date(1_700_000_000_000) });
    expect((await stat(join(left[0] ?? '', 'signing'))).mode & 0o777).toBe(0o600);

    const roster = labRoster(6);
    const nodes = roster.map((node, i) => ({
      ...node,
      port: 20_000 + i,
      hostPublicKey: makeKeyPair().public,
    }));
    await writeFile(join(layout.fleetDir, '.edgectl-lab'), '');
    await writeFile(
      join(layout.fleetDir, 'fleet.yaml'),
      fleetYaml({ id: fleetId, name: 'lab', user: 'edgectl', identity: layout.clientKey, nodes, about: '' }),
    );
    await writeFile(join(layout.fleetDir, 'runtimes.yaml'), runtimesYaml('lab-runtime', packed.bundles));
    await writeFile(join(layout.fleetDir, 'known_hosts'), knownHosts(nodes));

    const fleet = await loadFleet(layout.fleetDir, { env });
    expect(fleet.lab).toBe(true);
    expect(fleet.nodes.map((node) => node.id).sort()).toEqual(roster.map((node) => node.id).sort());
    expect(fleet.policies.get('rehearsal')?.rehearsal).toBe(true);
    expect(fleet.runtimes).toMatchObject([
      { component: 'lab-runtime', version: '1.1.0', digests: { all: packed.bundles[0]?.digest } },
    ]);

    const store = openBundleStore(join(dir, 'data', 'edgectl', 'bundles'));
    expect((await store.list()).map((bundle) => bundle.version)).toEqual(['1.1.0', '1.2.0', '1.3.0']);
    for (const bundle of await store.list()) {
      const { statement: text, signature } = bundle;
      const allowedSigners = fleet.allowedSignersFile;
      const verified = await verifyText({ namespace: 'edgectl-runtime', text, signature, allowedSigners, tmpdir: dir });
      expect(verified.principal).toBe('lab');
    }
  });

  it('hold a runtime that says its version and nothing that is left to fill in', async () => {
    const bin = join(dir, 'bin');
    await writeRuntime(bin, { version: '9.8.7', crashAfter: '', lab: 'x' });
    expect(execFileSync(join(bin, 'lab-runtime'), ['--version'], { encoding: 'utf8' })).toBe('lab-runtime 9.8.7\n');
    expect(await readFile(join(bin, 'lab-runtime'), 'utf8')).not.toMatch(/@[A-Z_]+@/);
  });
});
