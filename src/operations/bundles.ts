import type { StoredBundle } from '../bundle/types.js';
import { parseStatement } from '../bundle/statement.js';
import type { WritableBundleStore } from '../bundle/store.js';
import { proxyOf } from '../fleet/proxy.js';
import type { DesiredRuntime, Fleet } from '../fleet/types.js';
import type { Verified } from '../keys/verify.js';
import { bundleNamespace } from '../keys/namespaces.js';
import { verifyText } from '../keys/verify.js';
import { EdgectlError } from '../errors/error.js';
import type { Surroundings } from './surroundings.js';

/** A bundle of the plan, and who signed it. */
export type VouchedBundle = StoredBundle & { signedBy: string };

/** Brings a bundle from a server into the store. */
export type FetchBundle = (request: {
  source: string;
  digest: string;
  /** A proxy's URL, null for none; the environment's when undefined. */
  proxy: string | null | undefined;
  signal: AbortSignal;
}) => Promise<StoredBundle>;

/**
 * Every bundle that desired state names, read again and with its signature verified as a node would. One that is only on a server is
 * fetched first. Throws BUNDLE_NOT_FOUND, BUNDLE_DIGEST_MISMATCH, BUNDLE_SIGNATURE, BUNDLE_FETCH_FAILED.
 */
export async function vouchedBundles(
  runtimes: readonly DesiredRuntime[],
  context: { fleet: Fleet; store: WritableBundleStore; fetch: FetchBundle; around: Surroundings },
): Promise<Map<string, VouchedBundle>> {
  const bundles = new Map<string, VouchedBundle>();
  for (const runtime of runtimes) {
    for (const digest of new Set(Object.values(runtime.digests))) {
      if (!bundles.has(digest)) bundles.set(digest, await vouched(runtime, digest, context));
    }
  }
  return bundles;
}

async function vouched(
  runtime: DesiredRuntime,
  digest: string,
  { fleet, store, fetch, around }: Parameters<typeof vouchedBundles>[1],
): Promise<VouchedBundle> {
  const known = await store.get(digest);
  if (known === undefined && runtime.source === undefined) {
    throw new EdgectlError('BUNDLE_NOT_FOUND', {
      message: `runtimes.yaml wants ${runtime.component} ${runtime.version} as sha256:${digest}, and no bundle here has that digest.`,
    });
  }
  const bundle =
    known === undefined && runtime.source !== undefined
      ? await fetch({ source: runtime.source, digest, proxy: proxyOf(fleet, runtime), signal: around.signal })
      : await store.check(digest);
  if (bundle.component !== runtime.component || bundle.version !== runtime.version) {
    throw new EdgectlError('CONFIG_INVALID', {
      message:
        `runtimes.yaml says ${runtime.component} ${runtime.version} for sha256:${digest.slice(0, 12)}…, ` +
        `which is ${bundle.component} ${bundle.version}.`,
      hint: 'edgectl runtime list',
    });
  }
  const { principal } = await verifyBundle(bundle.statement, bundle.signature, fleet, around);
  return { ...bundle, signedBy: principal };
}

/** Verifies a bundle's statement as a node would. Throws BUNDLE_SIGNATURE, BUNDLE_INVALID. */
export async function verifyBundle(
  text: string,
  signature: string,
  fleet: Pick<Fleet, 'allowedSignersFile'>,
  around: Pick<Surroundings, 'tmpdir'>,
): Promise<Verified> {
  return await verifyText({
    namespace: bundleNamespace(parseStatement(text).component),
    text,
    signature,
    allowedSigners: fleet.allowedSignersFile,
    tmpdir: around.tmpdir,
  });
}
