import { readFile } from 'node:fs/promises';
import { EdgectlError } from '../../errors/error.js';
import type { Fleet } from '../../fleet/types.js';
import { ageDecrypt } from '../../seal/age.js';
import { Sensitive } from '../../seal/sensitive.js';
import { SecretStore } from '../../secrets/store.js';
import { secretEntry } from './list-secrets.js';

/** Opens a secret's newest generation with one of the identities of a file. Throws SECRET_NOT_FOUND, SECRET_UNREADABLE, USAGE. */
export async function recoverSecret(fleet: Fleet, name: string, file: string): Promise<Sensitive<Buffer>> {
  const entry = await secretEntry(fleet, name);
  if (entry.state === 'removed')
    throw new EdgectlError('SECRET_NOT_FOUND', {
      message: `${name} was removed; its ciphertext is in the history of the repository only.`,
    });
  const bundle = await new SecretStore(fleet.dir).bundle(entry);
  const identities = await identitiesOf(file);
  let last: unknown;
  for (const identity of identities) {
    try {
      return await ageDecrypt(identity, bundle);
    } catch (error) {
      last = error;
    } finally {
      identity.destroy();
    }
  }
  throw last;
}

async function identitiesOf(file: string): Promise<Sensitive<Buffer>[]> {
  const text = await readFile(file, 'latin1').catch((error: NodeJS.ErrnoException) => {
    throw new EdgectlError('USAGE', { message: `${file} cannot be read: ${error.code ?? error.message}.` });
  });
  const lines = text.split('\n').filter((line) => line.startsWith('AGE-SECRET-KEY-1'));
  if (lines.length === 0)
    throw new EdgectlError('USAGE', { message: `${file} holds no age identity (AGE-SECRET-KEY-1…).` });
  return lines.map((line) => new Sensitive(Buffer.from(line.trim(), 'latin1')));
}
