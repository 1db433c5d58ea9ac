import type { Fleet } from '../fleet/types.js';
import { EdgectlError } from '../errors/error.js';
import type { SecretKey } from '../keys/secret-keys.js';
import { readSecretKey } from '../keys/secret-keys.js';
import type { SecretTrust } from '../keys/secret-trust.js';
import { readSecretTrust } from '../keys/secret-trust.js';
import type { UserPlaces } from '../keys/signing-key.js';
import { keyDir } from '../keys/signing-key.js';

/** The keys that an operation on secrets needs on this computer. */
export interface OperatorKeys {
  trust: SecretTrust;
  policy: SecretKey;
  manifest: SecretKey;
}

/** The public halves. Throws KEYS_NOT_FOUND when secrets were not set up. */
export async function requireTrust(fleet: Pick<Fleet, 'dir'>): Promise<SecretTrust> {
  const trust = await readSecretTrust(fleet.dir);
  if (trust !== undefined) return trust;
  throw new EdgectlError('KEYS_NOT_FOUND', {
    message: 'This fleet has no keys for secrets yet.',
    hint: 'edgectl keys init --secrets --recovery age1… --recovery age1…',
  });
}

/**
 * Both private keys, each the counterpart of what the repository publishes: so somebody who can only write to the
 * repository cannot put keys of their own in their place. Throws KEYS_NOT_FOUND, KEY_EXISTS, SIGNING_FAILED.
 */
export async function requireOperatorKeys(fleet: Pick<Fleet, 'dir' | 'id'>, places: UserPlaces): Promise<OperatorKeys> {
  const trust = await requireTrust(fleet);
  const dir = keyDir(places, fleet.id);
  const own = async (name: 'policy' | 'manifest'): Promise<SecretKey> => {
    const key = await readSecretKey(dir, name);
    if (key === undefined)
      throw new EdgectlError('KEYS_NOT_FOUND', {
        message: `The private half of the ${name} key is not on this computer (${dir}).`,
        hint: 'edgectl keys show',
      });
    if (key.publicKey.equals(trust[name])) return key;
    throw new EdgectlError('KEY_EXISTS', {
      message: `The ${name} key in the fleet repository is another one than yours.`,
      hint: 'edgectl keys show; if nobody changed it on purpose, do not push anything',
    });
  };
  return { trust, policy: await own('policy'), manifest: await own('manifest') };
}
