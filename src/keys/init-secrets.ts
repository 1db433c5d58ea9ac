import { EdgectlError } from '../errors/error.js';
import type { SecretKey, SecretKeyName } from './secret-keys.js';
import {
  ensureSecretKey,
  readSecretKey,
  refuseInsideRepository,
  secretKeyFingerprint,
  secretKeyNames,
} from './secret-keys.js';
import type { SecretTrust } from './secret-trust.js';
import { checkRecovery, readSecretTrust, secretTrustDir, writeSecretTrust } from './secret-trust.js';
import type { UserPlaces } from './signing-key.js';
import { keyDir } from './signing-key.js';

/** One of the two keys, as it is shown. */
export interface ShownSecretKey {
  name: SecretKeyName;
  fingerprint: string;
  /** Path of the private half; null when it is not on this computer. */
  privateKey: string | null;
  /** Why the private half on this computer cannot be used. */
  warning?: string;
}

/** What a fleet has for its secrets. */
export interface ShownSecrets {
  keys: ShownSecretKey[];
  recovery: readonly string[];
  /** In the fleet repository. */
  publicDir: string;
  /** False when everything was there already. */
  changed: boolean;
}

interface SecretFleet {
  id: string;
  dir: string;
}

/**
 * Makes the policy key and the manifest key on this computer and puts their public halves, and the recovery recipients,
 * into the fleet repository. Asked again it goes on where it was cut off, or changes nothing. Throws KEY_EXISTS, USAGE, RECIPIENT_INVALID.
 */
export async function initSecrets(
  fleet: SecretFleet,
  recipients: readonly string[],
  places: UserPlaces,
): Promise<ShownSecrets> {
  // Before anything is made: a bad recipient must not leave a key behind.
  const recovery = await checkRecovery(recipients);
  const dir = keyDir(places, fleet.id);
  await refuseInsideRepository(dir, fleet.dir);
  const published = await readSecretTrust(fleet.dir);
  if (published !== undefined) await refuseOtherKeys(published, dir, recovery);
  const keys = { policy: await ensureSecretKey(dir, 'policy'), manifest: await ensureSecretKey(dir, 'manifest') };
  const trust = { policy: keys.policy.publicKey, manifest: keys.manifest.publicKey, recovery };
  if (published === undefined) await writeSecretTrust(fleet.dir, trust);
  return { ...shown(trust, keys, fleet), changed: published === undefined };
}

/** What a fleet has for its secrets, and which private halves are here; undefined when secrets were not set up. Throws CONFIG_INVALID. */
export async function showSecrets(fleet: SecretFleet, places: UserPlaces): Promise<ShownSecrets | undefined> {
  const trust = await readSecretTrust(fleet.dir);
  if (trust === undefined) return undefined;
  const dir = keyDir(places, fleet.id);
  const found: Partial<Record<SecretKeyName, SecretKey | string>> = {};
  for (const name of secretKeyNames) {
    const key = await readSecretKey(dir, name).catch((error: Error) => error.message);
    if (key !== undefined) found[name] = key;
  }
  return { ...shown(trust, found, fleet), changed: false };
}

/** Another key in the repository is in use on nodes: replacing it would lock every secret away. */
async function refuseOtherKeys(published: SecretTrust, dir: string, recovery: readonly string[]): Promise<void> {
  for (const name of secretKeyNames) {
    const own = await readSecretKey(dir, name);
    if (own?.publicKey.equals(published[name]) === true) continue;
    throw new EdgectlError('KEY_EXISTS', {
      message: `The fleet has a ${name} key already, ${secretKeyFingerprint(published[name])}, and its private half is not on this computer.`,
      hint: 'edgectl keys show',
    });
  }
  if ([...published.recovery].sort().join() === [...recovery].sort().join()) return;
  throw new EdgectlError('KEY_EXISTS', {
    message: 'The fleet has other recovery recipients already.',
    hint: 'edgectl keys show',
  });
}

function shown(
  trust: SecretTrust,
  found: Partial<Record<SecretKeyName, SecretKey | string>>,
  fleet: SecretFleet,
): Omit<ShownSecrets, 'changed'> {
  const keys = secretKeyNames.map((name): ShownSecretKey => {
    const own = found[name];
    const key = { name, fingerprint: secretKeyFingerprint(trust[name]), privateKey: null };
    if (own === undefined) return key;
    if (typeof own === 'string') return { ...key, warning: own };
    if (own.publicKey.equals(trust[name])) return { ...key, privateKey: own.path };
    return { ...key, warning: `${own.path} is another key than the fleet’s` };
  });
  return { keys, recovery: trust.recovery, publicDir: secretTrustDir(fleet.dir) };
}
