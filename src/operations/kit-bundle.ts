import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadDriver } from '../bundle/drivers/load.js';
import { packBundle } from '../bundle/pack.js';
import { produceBundle } from '../bundle/produce.js';
import { fleetSigning } from '../bundle/sign-for-fleet.js';
import type { WritableBundleStore } from '../bundle/store.js';
import type { StoredBundle } from '../bundle/types.js';
import type { Fleet } from '../fleet/types.js';
import type { KitOptions } from '../node/kit-build.js';
import { buildKit } from '../node/kit-build.js';
import { withPrivateDir } from '../util/private-dir.js';
import type { VouchedBundle } from './bundles.js';
import type { Surroundings } from './surroundings.js';

/** What a kit's bundle is made with. */
export interface KitBundleContext {
  fleet: Fleet;
  store: WritableBundleStore;
  around: Surroundings;
}

const driverDir = fileURLToPath(new URL('../../templates/node', import.meta.url));

/**
 * The kit of this very edgectl as a signed bundle in the store: the one that is there already when its content is the same. Throws
 * KEYS_NOT_FOUND, SIGNING_FAILED, BUNDLE_SIGNATURE (the fleet's key may not sign kits).
 */
export async function kitBundle(init: KitOptions['init'], context: KitBundleContext): Promise<VouchedBundle> {
  const { fleet, store, around } = context;
  const { env, interactive, signal } = around;
  const signing = await fleetSigning(fleet, { namespace: 'edgectl-kit', env, interactive, signal });
  const { driver } = await loadDriver('kit', [driverDir]);
  return await withPrivateDir(store.dir, async (scratch) => {
    const request = { driver, source: path.join(scratch, 'kit'), version: versionOf(around), arch: 'all' };
    const write = async (series: number): Promise<void> => {
      await mkdir(request.source, { recursive: true });
      const text = await kitText(init, context, Math.floor(series / 1000));
      await writeFile(path.join(request.source, 'edgectl-node'), text, { mode: 0o755 });
    };
    let series = around.now();
    // A kit says when it was built, which is the series of its bundle: so one that is here can be made again, and compared.
    for (const known of await packedBefore(store, request.version)) {
      await write(known.series);
      const again = await packBundle({ ...request, scratch: await mkdtemp(path.join(scratch, 'pack-')) });
      if (again.digest === known.digest) series = known.series;
    }
    await write(series);
    const { bundle } = await produceBundle({ ...request, store, series, sign: signing.sign, accept: signing.accept });
    return { ...bundle, signedBy: (await signing.verify(bundle.statement, bundle.signature)).principal };
  });
}

async function packedBefore(store: WritableBundleStore, version: string): Promise<StoredBundle[]> {
  return (await store.list()).filter((one) => one.component === 'kit' && one.version === version);
}

/** What tells the kit of this edgectl from another, as a node says it of its own (`kit {source}`). */
export async function kitSource(
  init: KitOptions['init'],
  context: Pick<KitBundleContext, 'fleet' | 'around'>,
): Promise<string> {
  const text = await kitText(init, context, 0);
  return createHash('sha256')
    .update(text.replace(/^KIT_BUILT=.*\n/m, ''))
    .digest('hex');
}

/** Only a sandbox of the lab gets what only a sandbox needs: its init, and the failpoints. */
async function kitText(
  init: KitOptions['init'],
  { around }: Pick<KitBundleContext, 'around'>,
  builtAt: number,
): Promise<string> {
  return await buildKit({ init, lab: init === 'sandbox', version: versionOf(around), builtAt });
}

function versionOf(around: Pick<Surroundings, 'tool'>): string {
  return around.tool.replace(/^edgectl /, '');
}
