import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { Fleet } from '../fleet/types.js';
import type { Verified } from '../keys/verify.js';
import { EdgectlError } from '../errors/error.js';
import { loadDriver } from './drivers/load.js';
import { requireProven } from './drivers/proven.js';
import { bundlesDir, driverDirs } from './places.js';
import { produceBundle } from './produce.js';
import { fleetSigning } from './sign-for-fleet.js';
import { runtimeLines, withRuntime } from './runtimes-file.js';
import { openBundleStore } from './store.js';
import type { StoredBundle } from './types.js';

/** What `runtime pack` was asked for. */
export interface PackForFleetRequest {
  source: string;
  driver: string;
  version: string | undefined;
  arch: string | undefined;
  /** A directory that gets `DIGEST/{bundle.tar.gz,statement,statement.sig}` as well. */
  out: string | undefined;
  /** Use a driver that nobody has rolled out yet. */
  allowUnproven: boolean;
  /** Bring runtimes.yaml to this bundle. */
  write: boolean;
  /** This package's directory. */
  packageRoot: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch: the bundle's series. */
  now: number;
  interactive: boolean;
  signal: AbortSignal;
}

/** What came of it. */
export interface PackedForFleet {
  bundle: StoredBundle;
  /** False when the store had it already. */
  isNew: boolean;
  signer: Verified;
  /** For runtimes.yaml. */
  lines: string;
  /** The file that was changed; null when none was. */
  written: string | null;
  warnings: string[];
}

/** Packs a source with the fleet's (or edgectl's) driver, signs it with the fleet's key and stores it; the fleet's own trust must accept the signature. Throws DRIVER_UNPROVEN. */
export async function packForFleet(fleet: Fleet, request: PackForFleetRequest): Promise<PackedForFleet> {
  const home = request.env['HOME'] ?? homedir();
  const { driver } = await loadDriver(request.driver, driverDirs(request.packageRoot, fleet.dir));
  if (driver.component === 'kit') {
    throw new EdgectlError('USAGE', {
      message: 'The node kit is no runtime: its bundle is made and signed apart.',
      hint: 'edgectl rollout kit',
    });
  }
  requireProven(driver, request.allowUnproven);
  const signing = await fleetSigning(fleet, { ...request, namespace: 'edgectl-runtime' });
  const store = openBundleStore(bundlesDir(request.env, home));
  const { bundle, isNew } = await produceBundle({
    ...request,
    driver,
    store,
    series: request.now,
    sign: signing.sign,
    accept: signing.accept,
  });
  if (request.out !== undefined) await publish(bundle, request.out);
  return {
    bundle,
    isNew,
    signer: await signing.verify(bundle.statement, bundle.signature),
    lines: runtimeLines(bundle),
    written: request.write ? await writeRuntimes(fleet.dir, bundle) : null,
    warnings: signing.warnings,
  };
}

async function publish(bundle: StoredBundle, out: string): Promise<void> {
  const server = openBundleStore(out);
  await mkdir(out, { recursive: true });
  await server.add({ archive: bundle.path, statement: bundle.statement, signature: bundle.signature, keep: true });
}

async function writeRuntimes(dir: string, bundle: StoredBundle): Promise<string> {
  const file = path.join(dir, 'runtimes.yaml');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  await writeFileAtomic(file, withRuntime(text, bundle));
  return file;
}
