import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdir, open, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../errors/error.js';

/** The operator's two keys for secrets: one approves when a node may open them, one vouches for what was delivered. */
export type SecretKeyName = 'policy' | 'manifest';

/** Both of them, in the order in which they are shown. */
export const secretKeyNames = ['policy', 'manifest'] as const satisfies readonly SecretKeyName[];

/** A private key on this computer. */
export interface SecretKey {
  path: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** What each key has to be. P-256, because a TPM of any node verifies what the policy key signs. */
const kinds: Readonly<Record<SecretKeyName, { type: string; curve?: string; text: string }>> = {
  policy: { type: 'ec', curve: 'prime256v1', text: 'an ECDSA key on P-256' },
  manifest: { type: 'ed25519', text: 'an Ed25519 key' },
};

/** Reads a private key of the directory, or undefined when it is not there. Throws SIGNING_FAILED when it is not the key that it should be, or others can read it. */
export async function readSecretKey(dir: string, name: SecretKeyName): Promise<SecretKey | undefined> {
  const file = path.join(dir, `${name}.pem`);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw refused(`${file} cannot be read: ${error.code ?? error.message}.`);
  });
  if (text === undefined) return undefined;
  const mode = (await stat(file)).mode & 0o777;
  if ((mode & 0o077) !== 0)
    throw refused(`${file} can be read by others (mode ${mode.toString(8)}).`, `chmod 600 ${file}`);
  const privateKey = parsePrivate(text, file);
  const publicKey = checkSecretKey(createPublicKey(privateKey), name, file, 'SIGNING_FAILED');
  return { path: file, privateKey, publicKey };
}

/** Reads the private key, or makes it (mode 600, on disk before this returns). Never overwrites one. */
export async function ensureSecretKey(dir: string, name: SecretKeyName): Promise<SecretKey> {
  const found = await readSecretKey(dir, name);
  if (found !== undefined) return found;
  const { privateKey, publicKey } =
    name === 'policy' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const file = path.join(dir, `${name}.pem`);
  // Not by rename: whoever makes the same key at the same moment must fail, not be overwritten.
  const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new EdgectlError('KEY_EXISTS', { message: `${file} was made at this moment by somebody else.` });
  });
  try {
    await handle.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { path: file, privateKey, publicKey };
}

/** Gives a public key back when it is of the kind that this key has to be. Throws `code`. */
export function checkSecretKey(
  key: KeyObject,
  name: SecretKeyName,
  file: string,
  code: 'CONFIG_INVALID' | 'SIGNING_FAILED',
): KeyObject {
  const { type, curve, text } = kinds[name];
  if (key.asymmetricKeyType === type && key.asymmetricKeyDetails?.namedCurve === curve) return key;
  throw new EdgectlError(code, { message: `${file} is not ${text}.` });
}

/** `SHA256:…` over a key's SubjectPublicKeyInfo, as OpenSSH writes fingerprints. */
export function secretKeyFingerprint(key: KeyObject): string {
  const spki = key.export({ type: 'spki', format: 'der' });
  return `SHA256:${createHash('sha256').update(spki).digest('base64').replace(/=+$/, '')}`;
}

/** Refuses a directory for private keys that lies in the fleet repository, symbolic links followed. Throws USAGE. */
export async function refuseInsideRepository(dir: string, repository: string): Promise<void> {
  const inside = path.relative(await realpath(repository), await realExisting(path.resolve(dir)));
  if (inside.startsWith('..') || path.isAbsolute(inside)) return;
  throw new EdgectlError('USAGE', {
    message: `${dir} lies inside of the fleet repository; private keys never belong there.`,
    hint: 'set XDG_CONFIG_HOME to a directory outside of it',
  });
}

/** The real path, also of what is not there yet. */
async function realExisting(dir: string): Promise<string> {
  const real = await realpath(dir).catch(() => undefined);
  if (real !== undefined) return real;
  const parent = path.dirname(dir);
  return parent === dir ? dir : path.join(await realExisting(parent), path.basename(dir));
}

function parsePrivate(text: string, file: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    // Without the cause: it could quote the file.
    throw refused(`${file} is no private key in PEM, or it has a passphrase.`);
  }
}

function refused(message: string, hint?: string): EdgectlError {
  return new EdgectlError('SIGNING_FAILED', { message, ...(hint === undefined ? {} : { hint }) });
}
