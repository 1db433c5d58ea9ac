import { homedir } from 'node:os';
import { checkPrincipal } from './allowed-signers.js';
import type { OriginFlags } from './choose.js';
import { defaultPrincipal, keyOrigin } from './choose.js';
import { createSigningKey } from './create.js';
import { namespaces } from './namespaces.js';
import type { Allowed, KeyRepository } from './repository.js';
import { allowKey } from './repository.js';
import type { SigningKey } from './signing-key.js';
import { keyDir } from './signing-key.js';

/** What `keys init` was asked for. */
export interface InitKeysRequest {
  flags: OriginFlags & { principal?: string | undefined };
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** A terminal is there for a PIN or a touch. */
  interactive: boolean;
}

/** Makes or chooses a fleet's signing key and allows it in the fleet repository. Throws KEY_EXISTS, KEYS_NOT_FOUND, SIGNING_FAILED, USAGE. */
export async function initKeys(
  fleet: KeyRepository & { id: string; name: string },
  { flags, env, cwd, interactive }: InitKeysRequest,
): Promise<{ key: SigningKey; principal: string; allowed: Allowed }> {
  // Before anything is made: a bad name must not leave a key behind.
  const principal = checkPrincipal(flags.principal ?? defaultPrincipal(env, fleet.name));
  const origin = await keyOrigin(flags, env, cwd);
  const dir = keyDir({ env, homedir: env['HOME'] ?? homedir() }, fleet.id);
  const key = await createSigningKey({ origin, dir, comment: principal, interactive });
  return { key, principal, allowed: await allowKey(fleet, { key: key.publicKey, principal, namespaces }) };
}
