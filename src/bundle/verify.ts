import { tmpdir } from 'node:os';
import { EdgectlError } from '../errors/error.js';
import type { Verified } from '../keys/verify.js';
import { bundleNamespace } from '../keys/namespaces.js';
import { verifyText } from '../keys/verify.js';
import { inspectArchive } from './inspect.js';
import { invalid } from './invalid.js';
import type { WritableBundleStore } from './store.js';
import type { StoredBundle } from './types.js';

interface Named {
  component: string;
  version: string;
  arch: string;
  digest: string;
}
/** What a signature is checked against. */
export interface BundleTrust {
  /** Path of an allowed_signers file. */
  allowedSigners: string;
  env: Readonly<Record<string, string | undefined>>;
}

/** The verdict on one stored bundle. */
export type BundleVerdict =
  | (Named & { ok: true; signer: Verified })
  | (Named & { ok: false; code: string; message: string; lines: readonly string[] });

/** Checks the bundles that are given, or everything in the store, one after the other. */
export async function verifyAll(
  store: WritableBundleStore,
  bundles: readonly StoredBundle[] | undefined,
  trust: BundleTrust,
): Promise<BundleVerdict[]> {
  const scanned = bundles === undefined ? await store.scan() : { bundles, damaged: [] };
  const verdicts: BundleVerdict[] = scanned.damaged.map(({ digest, error }) => ({
    ...{ component: '?', version: '?', arch: '?', digest, ok: false },
    ...{ code: error.code, message: error.message, lines: error.lines },
  }));
  for (const bundle of scanned.bundles) verdicts.push(await verifyBundle(store, bundle, trust));
  return verdicts;
}

/** Checks a stored bundle as a node does: digest, signature, then every file against MANIFEST, and that it is for its component. A refusal is a value. */
export async function verifyBundle(
  store: WritableBundleStore,
  bundle: StoredBundle,
  trust: BundleTrust,
): Promise<BundleVerdict> {
  const { component, version, arch, digest } = bundle;
  const named = { component, version, arch, digest };
  try {
    await store.check(digest);
    const signer = await verifyText({
      namespace: bundleNamespace(component),
      text: bundle.statement,
      signature: bundle.signature,
      allowedSigners: trust.allowedSigners,
      tmpdir: trust.env['TMPDIR'] ?? tmpdir(),
    });
    const { driver } = await inspectArchive(bundle.path);
    if (!driver.split('\n').includes(`component=${component}`))
      throw invalid(`The driver inside is not for ${component}.`);
    return { ...named, ok: true, signer };
  } catch (error) {
    if (!(error instanceof EdgectlError)) throw error;
    return { ...named, ok: false, code: error.code, message: error.message, lines: error.lines };
  }
}
