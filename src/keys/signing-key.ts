import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../errors/error.js';
import type { PublicKey } from './public-key.js';
import { parsePublicKey } from './public-key.js';

/** The operator's own signing key for one fleet. */
export interface SigningKey {
  /** What ssh-keygen gets with -f: the private key, or the public one when an agent holds the private half. */
  path: string;
  kind: 'file' | 'agent' | 'fido';
  publicKey: PublicKey;
  /** `SHA256:…` */
  fingerprint: string;
  /** A warning about the private key's permissions. */
  warning?: string;
}

/** Where things of the user are kept; all from the environment that was handed in. */
export interface UserPlaces {
  env: Readonly<Record<string, string | undefined>>;
  homedir: string;
}

/** `$XDG_CONFIG_HOME/edgectl/keys/<fleet id>`: private keys of a fleet, never inside its repository. */
export function keyDir(places: UserPlaces, fleetId: string): string {
  const xdg = places.env['XDG_CONFIG_HOME'];
  const base = xdg !== undefined && path.isAbsolute(xdg) ? xdg : path.join(places.homedir, '.config');
  return path.join(base, 'edgectl', 'keys', fleetId);
}

/** Finds the signing key of a fleet: EDGECTL_SIGNING_KEY (a private key, or a public one for an agent), else `keys init`'s. Throws KEYS_NOT_FOUND. */
export async function findSigningKey(places: UserPlaces, fleetId: string): Promise<SigningKey> {
  const named = places.env['EDGECTL_SIGNING_KEY'];
  const key = await readSigningKey(
    named === undefined || named === '' ? path.join(keyDir(places, fleetId), 'signing') : named,
  );
  if (key !== undefined) return key;
  throw new EdgectlError('KEYS_NOT_FOUND', {
    message: named
      ? `EDGECTL_SIGNING_KEY names ${named}, which is not there.`
      : 'There is no signing key for this fleet on this computer.',
  });
}

/** Reads a key by the path of its private or public half; undefined when neither is there. */
export async function readSigningKey(file: string): Promise<SigningKey | undefined> {
  const base = file.endsWith('.pub') ? file.slice(0, -4) : file;
  const text = await readFile(`${base}.pub`, 'utf8').catch(() => undefined);
  const found = file.endsWith('.pub') ? undefined : await stat(base).catch(() => undefined);
  if (text === undefined) {
    if (found === undefined) return undefined;
    throw new EdgectlError('KEYS_NOT_FOUND', {
      message: `${base} has no public half beside it.`,
      hint: `ssh-keygen -y -f ${base} > ${base}.pub`,
    });
  }
  const publicKey = parsePublicKey(text, `${base}.pub`);
  const common = { publicKey, fingerprint: publicKey.fingerprint };
  if (found === undefined) return { ...common, path: `${base}.pub`, kind: 'agent' };
  const loose = (found.mode & 0o077) !== 0;
  const mode = (found.mode & 0o777).toString(8);
  return {
    ...common,
    path: base,
    kind: publicKey.fido ? 'fido' : 'file',
    ...(loose ? { warning: `${base} can be read by others (mode ${mode}): chmod 600 ${base}` } : {}),
  };
}
