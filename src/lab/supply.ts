import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeKeyPair } from './key-pair.js';
import { loadDriver } from '../bundle/drivers/load.js';
import { packBundle } from '../bundle/pack.js';
import { bundlesDir } from '../bundle/places.js';
import { renderStatement } from '../bundle/statement.js';
import { openBundleStore } from '../bundle/store.js';
import { formatAllowedSigner } from '../keys/allowed-signers.js';
import { namespaces } from '../keys/namespaces.js';
import { withPrivateDir } from '../util/private-dir.js';
import { parsePublicKey } from '../keys/public-key.js';
import { signText } from '../keys/sign.js';
import { findSigningKey, keyDir } from '../keys/signing-key.js';
import type { LabBundle } from './fleet-files.js';
import type { LabLayout } from './layout.js';

/** What supplies of a lab are made for. */
export interface SupplyOptions {
  layout: LabLayout;
  fleetId: string;
  /** For `XDG_*`. */
  env: Readonly<Record<string, string | undefined>>;
}

/** The runtime that the lab rolls out. */
export const labComponent = 'lab-runtime';
/** What the nodes come up with, as if a distribution had put it there. */
export const distributionVersion = '1.0.0';

const programs = ['lab-runtime', 'lab-shim', 'lab-workload'] as const;
/** Seconds that the bad build lives: well inside the rehearsal's health window. */
const badBuildSeconds = 5;
const builds = [
  { version: '1.1.0', crashAfter: '', about: 'good' },
  { version: '1.2.0', crashAfter: '', about: 'good' },
  { version: '1.3.0', crashAfter: String(badBuildSeconds), about: `bad: crashes ${badBuildSeconds} s after its start` },
];
const templates = fileURLToPath(new URL('../../templates/', import.meta.url));

/** Write one build of the lab's runtime into a directory. */
export async function writeRuntime(
  dir: string,
  build: { version: string; crashAfter: string; lab: string },
): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const program of programs) {
    const text = await readFile(join(templates, 'lab', program), 'utf8');
    const made = text
      .replace('@VERSION@', build.version)
      .replace('@CRASH_AFTER@', build.crashAfter)
      .replace('@LAB@', build.lab);
    await writeFile(join(dir, program), made, { mode: 0o755 });
  }
}

/** Make the lab's signing key where edgectl looks for a fleet's key, and trust it in the fleet repository. Answers what it left outside the lab. */
export async function installLabKey(options: SupplyOptions): Promise<string[]> {
  const dir = keyDir(places(options), options.fleetId);
  const { fleetDir } = options.layout;
  const pair = makeKeyPair('edgectl-lab');
  const publicLine = `${pair.public}\n`;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(join(dir, 'signing'), pair.private, { mode: 0o600 });
  await writeFile(join(dir, 'signing.pub'), publicLine);
  await mkdir(join(fleetDir, 'trust'), { recursive: true });
  await mkdir(join(fleetDir, 'keys'), { recursive: true });
  await writeFile(join(fleetDir, 'keys', 'lab.pub'), publicLine);
  const key = parsePublicKey(publicLine, 'the lab key');
  await writeFile(join(fleetDir, 'trust', 'allowed_signers'), formatAllowedSigner('lab', namespaces, key));
  return [dir];
}

/** What the lab's key signs: packs a source for a driver, signs and stores it. */
export interface LabPacker {
  pack(
    component: string,
    source: string,
    fixed?: { version?: string; arch?: string },
  ): Promise<{ version: string; digest: string; path: string }>;
}

/** Opens the bundle store and the lab's key; both are where edgectl looks for those of any fleet. */
export async function labPacker(options: SupplyOptions & { now: () => Date }): Promise<LabPacker> {
  const key = await findSigningKey(
    { ...places(options), env: { ...options.env, EDGECTL_SIGNING_KEY: undefined } },
    options.fleetId,
  );
  const store = openBundleStore(bundlesDir(options.env, places(options).homedir));
  let serial = 0;
  return {
    pack: async (component, source, fixed = {}) => {
      const { driver } = await loadDriver(component, [join(templates, 'drivers')]);
      return await withPrivateDir(options.layout.dir, async (scratch) => {
        const packed = await packBundle({ driver, source, scratch, ...fixed });
        const statement = renderStatement({ ...packed, series: options.now().getTime() + serial });
        serial += 1;
        const signature = await signText({ namespace: 'edgectl-runtime', text: statement, key });
        await store.add({ archive: packed.path, statement, signature });
        return { version: packed.version, digest: packed.digest, path: join(store.dir, packed.digest) };
      });
    },
  };
}

/** Pack, sign and store the runtimes to roll out. Answers them and what was left outside the lab. */
export async function packLabRuntimes(
  options: SupplyOptions & { now: () => Date },
): Promise<{ bundles: LabBundle[]; paths: string[] }> {
  const packer = await labPacker(options);
  const bundles: LabBundle[] = [];
  const paths: string[] = [];
  for (const { version, crashAfter, about } of builds) {
    await withPrivateDir(options.layout.dir, async (source) => {
      await writeRuntime(join(source, 'bin'), { version, crashAfter, lab: options.fleetId });
      const { digest, path } = await packer.pack(labComponent, source, { version, arch: 'all' });
      bundles.push({ version, digest, about });
      paths.push(path);
    });
  }
  return { bundles, paths };
}

function places(options: SupplyOptions): { env: SupplyOptions['env']; homedir: string } {
  return { env: options.env, homedir: options.env['HOME'] ?? homedir() };
}
