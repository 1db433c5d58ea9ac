import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SigningKey } from '../../src/keys/signing-key.js';
import { readSigningKey } from '../../src/keys/signing-key.js';

/** Makes a real signing key in a directory. */
export async function makeSigningKey(dir: string, name = 'signing'): Promise<SigningKey> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = path.join(dir, name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
  const key = await readSigningKey(file);
  if (key === undefined) throw new Error(`${file} was not made`);
  return key;
}

/** Writes an allowed_signers file that allows a key for some namespaces. */
export function writeAllowedSigners(
  file: string,
  principal: string,
  key: SigningKey,
  namespaces: readonly string[],
): string {
  const publicKey = readFileSync(`${key.path.replace(/\.pub$/, '')}.pub`, 'utf8');
  writeFileSync(file, `# who may sign\n${principal} namespaces="${namespaces.join(',')}" ${publicKey}`);
  return file;
}
