import type { KeyObject } from 'node:crypto';
import { createPublicKey } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { EdgectlError } from '../errors/error.js';
import type { AgeRecipient } from '../seal/age.js';
import { parseAgeRecipient } from '../seal/age.js';
import type { SecretKeyName } from './secret-keys.js';
import { checkSecretKey, secretKeyNames } from './secret-keys.js';

/** What the fleet repository says about secrets: public keys only. */
export interface SecretTrust {
  policy: KeyObject;
  manifest: KeyObject;
  /** Who can open every bundle when its node is gone. */
  recovery: readonly AgeRecipient[];
}

/** One recovery identity can be lost like a node: the second one is what makes it a recovery. */
const fewestRecipients = 2;

/** Where the public halves are in a fleet repository. */
export function secretTrustDir(fleetDir: string): string {
  return path.join(fleetDir, 'trust', 'secrets');
}

/** Reads the public halves; undefined when secrets were not set up. Throws CONFIG_INVALID that names the file. */
export async function readSecretTrust(fleetDir: string): Promise<SecretTrust | undefined> {
  const dir = secretTrustDir(fleetDir);
  const files = [...secretKeyNames.map((name) => `${name}.pub`), 'recovery'];
  const texts = await Promise.all(files.map((name) => readOrNothing(path.join(dir, name))));
  if (texts.every((text) => text === undefined)) return undefined;
  const absent = files.find((_, index) => texts[index] === undefined);
  if (absent !== undefined) throw invalid(`${path.join(dir, absent)} is not there, though others beside it are.`);
  const [policy = '', manifest = '', recovery = ''] = texts;
  return {
    policy: parsePublic(policy, 'policy', path.join(dir, 'policy.pub')),
    manifest: parsePublic(manifest, 'manifest', path.join(dir, 'manifest.pub')),
    recovery: await parseRecovery(recovery, path.join(dir, 'recovery')),
  };
}

/** Writes the public halves. The recipients come first, so that what can be read is never a set without a way back. */
export async function writeSecretTrust(fleetDir: string, trust: SecretTrust): Promise<void> {
  const dir = secretTrustDir(fleetDir);
  await mkdir(dir, { recursive: true });
  const head =
    '# Every bundle of secrets is encrypted to these age recipients too. Their identities belong offline, apart.\n';
  await writeFileAtomic(path.join(dir, 'recovery'), `${head}${trust.recovery.join('\n')}\n`);
  for (const name of ['manifest', 'policy'] as const)
    await writeFileAtomic(path.join(dir, `${name}.pub`), trust[name].export({ type: 'spki', format: 'pem' }));
}

/** Checks recovery recipients. Throws RECIPIENT_INVALID; USAGE when they are too few. */
export async function checkRecovery(recipients: readonly string[]): Promise<AgeRecipient[]> {
  const checked = [...new Set(await Promise.all(recipients.map(parseAgeRecipient)))];
  if (checked.length >= fewestRecipients) return checked;
  throw new EdgectlError('USAGE', {
    message: `At least ${fewestRecipients} different recovery recipients are needed: one that is lost must not be all.`,
    hint: 'age-keygen on two computers that are no nodes; then --recovery age1… --recovery age1…',
  });
}

async function parseRecovery(text: string, file: string): Promise<AgeRecipient[]> {
  const lines = text.split('\n').map((line) => line.trim());
  try {
    return await checkRecovery(lines.filter((line) => line !== '' && !line.startsWith('#')));
  } catch (error) {
    throw invalid(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parsePublic(text: string, name: SecretKeyName, file: string): KeyObject {
  // createPublicKey takes a private key too, and gives its public half: that would hide a leak.
  if (text.includes('PRIVATE KEY'))
    throw invalid(`${file} holds a private key: take it out of the repository's history.`);
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch {
    throw invalid(`${file} is no public key in PEM.`);
  }
  return checkSecretKey(key, name, file, 'CONFIG_INVALID');
}

async function readOrNothing(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

function invalid(message: string): EdgectlError {
  return new EdgectlError('CONFIG_INVALID', { message });
}
