import { homedir } from 'node:os';
import { EdgectlError } from '../errors/error.js';
import { bundlesDir } from './places.js';
import type { WritableBundleStore } from './store.js';
import { openBundleStore } from './store.js';
import type { BundleStore, StoredBundle } from './types.js';

/** The user's own store. */
export function localStore(env: Readonly<Record<string, string | undefined>>): WritableBundleStore {
  return openBundleStore(bundlesDir(env, env['HOME'] ?? homedir()));
}

/** Bundles that `NAME@VERSION`, `NAME` or the beginning of a digest (eight digits or more) means. Throws BUNDLE_NOT_FOUND. */
export async function matchBundles(store: BundleStore, wanted: string): Promise<StoredBundle[]> {
  const at = wanted.indexOf('@');
  const name = at < 0 ? wanted : wanted.slice(0, at);
  const version = at < 0 ? undefined : wanted.slice(at + 1);
  const prefix = wanted.replace(/^sha256:/, '');
  const isDigest = /^[0-9a-f]{8,64}$/.test(prefix);
  const all = await store.list();
  const found = all.filter(
    (bundle) =>
      (isDigest && bundle.digest.startsWith(prefix)) ||
      (bundle.component === name && (version === undefined || bundle.version === version)),
  );
  if (found.length > 0) return found;
  const near = all
    .filter((bundle) => bundle.component === name)
    .map((bundle) => `${bundle.component}@${bundle.version} (${bundle.arch})`);
  throw new EdgectlError('BUNDLE_NOT_FOUND', {
    message: `No bundle in the store is ${wanted}.`,
    lines: near.length === 0 ? [] : [`there is: ${near.join(', ')}`],
  });
}
