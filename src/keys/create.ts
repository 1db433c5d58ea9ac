import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { run } from '../process/run.js';
import { EdgectlError } from '../errors/error.js';
import type { PublicKey } from './public-key.js';
import { formatPublicKey, parsePublicKey } from './public-key.js';
import type { SigningKey } from './signing-key.js';
import { readSigningKey } from './signing-key.js';

/** Where a signing key comes from. */
export type KeyOrigin =
  | { kind: 'file'; type: 'ed25519' | 'ecdsa' | 'rsa' }
  /** A new key whose private half stays in a security token. */
  | { kind: 'fido'; type: 'ed25519-sk' | 'ecdsa-sk' }
  /** An existing key: a private key file, or a public one whose private half an agent holds. */
  | { kind: 'from'; file: string }
  | { kind: 'agent'; key: PublicKey };

/** What to make. */
export interface CreateKeyRequest {
  origin: KeyOrigin;
  /** See keyDir(). */
  dir: string;
  /** Comment in the public key. */
  comment: string;
  interactive: boolean;
}

/** Makes a fleet's signing key, or takes an existing one into use: `signing` and `signing.pub` in `dir` (0700). Throws KEY_EXISTS, SIGNING_FAILED. */
export async function createSigningKey(request: CreateKeyRequest): Promise<SigningKey> {
  const file = path.join(request.dir, 'signing');
  if ((await readSigningKey(file)) !== undefined) {
    throw new EdgectlError('KEY_EXISTS', {
      message: `This fleet has a signing key already: ${file}`,
      hint: 'edgectl keys show',
    });
  }
  await mkdir(request.dir, { recursive: true, mode: 0o700 });
  const { origin } = request;
  if (origin.kind === 'agent') await writeFileAtomic(`${file}.pub`, formatPublicKey(origin.key), { mode: 0o644 });
  else if (origin.kind === 'from') await takeOver(origin.file, file);
  else await generate(origin.type, file, request);
  const key = await readSigningKey(file);
  if (key === undefined) throw new EdgectlError('INTERNAL', { message: `${file} was made and is not there.` });
  return key;
}

async function generate(type: string, file: string, request: CreateKeyRequest): Promise<void> {
  const bits = type === 'rsa' ? ['-b', '3072'] : [];
  const argv = ['ssh-keygen', '-q', '-t', type, ...bits, '-N', '', '-C', request.comment, '-f', file] as const;
  const result = await run(argv, { timeoutMs: 120_000, ...(request.interactive ? { interactive: true } : {}) });
  if (result.status === 0) return;
  await rm(file, { force: true });
  const reason = result.stderr.trim().split('\n').at(-1) ?? '';
  throw new EdgectlError('SIGNING_FAILED', {
    message: `ssh-keygen could not make a ${type} key${reason === '' ? '' : `: ${reason}`}`,
    ...(type.endsWith('-sk') ? { hint: 'is the security token plugged in, and is a terminal there for its PIN?' } : {}),
  });
}

/** A private key is linked, never copied: one place to protect and to destroy. */
async function takeOver(from: string, file: string): Promise<void> {
  const source = path.resolve(from);
  const base = source.endsWith('.pub') ? source.slice(0, -4) : source;
  const text = await readFile(`${base}.pub`, 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new EdgectlError('KEYS_NOT_FOUND', {
      message: `${base}.pub is not there.`,
      hint: `ssh-keygen -y -f ${base} > ${base}.pub`,
    });
  }
  const key = parsePublicKey(text, `${base}.pub`);
  if (!source.endsWith('.pub')) {
    const found = await readSigningKey(source);
    if (found === undefined || found.kind === 'agent')
      throw new EdgectlError('KEYS_NOT_FOUND', { message: `${source} is not there.` });
    await symlink(source, file);
  }
  await writeFileAtomic(`${file}.pub`, formatPublicKey(key), { mode: 0o644 });
}
