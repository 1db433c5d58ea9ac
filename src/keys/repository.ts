import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { EdgectlError } from '../errors/error.js';
import type { AllowedSigner } from './allowed-signers.js';
import { checkPrincipal, formatAllowedSigner, parseAllowedSigners } from './allowed-signers.js';
import type { Namespace } from './namespaces.js';
import type { PublicKey } from './public-key.js';
import { formatPublicKey } from './public-key.js';

/** The parts of a fleet that hold keys. */
export interface KeyRepository {
  dir: string;
  allowedSignersFile: string;
}

/** A key to be allowed. */
export interface AllowRequest {
  key: PublicKey;
  principal: string;
  namespaces: readonly Namespace[];
}

/** What was written. */
export interface Allowed {
  /** `keys/<principal>.pub` in the fleet repository. */
  publicKeyFile: string;
  allowedSignersFile: string;
  /** False when the same line was there already. */
  added: boolean;
}

/** Allows a key to sign for a fleet: a line in trust/allowed_signers, and a copy in keys/. Existing lines and comments stay. Throws KEY_EXISTS. */
export async function allowKey(fleet: KeyRepository, request: AllowRequest): Promise<Allowed> {
  const principal = checkPrincipal(request.principal);
  const file = fleet.allowedSignersFile;
  const publicKeyFile = path.join(fleet.dir, 'keys', `${principal}.pub`);
  const text = await readOr(file, '');
  const same = parseAllowedSigners(text, file).find((signer) => signer.key.blob === request.key.blob);
  const present = await readOr(publicKeyFile, '');
  const other = present !== '' && !present.includes(request.key.blob);
  if (other || (same !== undefined && !sameGrant(same, request))) {
    throw new EdgectlError('KEY_EXISTS', {
      message: other ? `${publicKeyFile} holds another key.` : `${file} allows this key already, in another way.`,
      hint: other ? 'choose another --principal' : `edit the line of ${same?.principals.join(',') ?? ''} in ${file}`,
    });
  }
  await mkdir(path.dirname(publicKeyFile), { recursive: true });
  await writeFileAtomic(publicKeyFile, formatPublicKey(request.key));
  if (same === undefined) {
    await mkdir(path.dirname(file), { recursive: true });
    const before = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    await writeFileAtomic(file, before + formatAllowedSigner(principal, request.namespaces, request.key));
  }
  return { publicKeyFile, allowedSignersFile: file, added: same === undefined };
}

/** The keys that may sign for a fleet. */
export async function readAllowedSigners(fleet: KeyRepository): Promise<AllowedSigner[]> {
  return parseAllowedSigners(await readOr(fleet.allowedSignersFile, ''), fleet.allowedSignersFile);
}

function sameGrant(signer: AllowedSigner, request: AllowRequest): boolean {
  const wanted = [...request.namespaces].sort().join(',');
  return signer.principals.includes(request.principal) && [...signer.namespaces].sort().join(',') === wanted;
}

async function readOr(file: string, fallback: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return fallback;
    throw error;
  });
}
