import { createHash } from 'node:crypto';
import { EdgectlError } from '../errors/error.js';

/** An OpenSSH public key. */
export interface PublicKey {
  /** `ssh-ed25519`, `sk-ssh-ed25519@openssh.com`, … */
  type: string;
  /** base64 blob. */
  blob: string;
  comment: string;
  /** `SHA256:…` */
  fingerprint: string;
  /** The private half lives in a FIDO token: each signature needs a touch. */
  fido: boolean;
}

const types =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)$/;

/** Reads the one line of a `.pub` file (sshd(8), AUTHORIZED_KEYS FILE FORMAT without options). Throws USAGE. */
export function parsePublicKey(text: string, label: string): PublicKey {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const match = /^(\S+) +([A-Za-z0-9+/]+=*)(?: +(.*))?$/.exec(lines[0]?.trim() ?? '');
  const type = match?.[1] ?? '';
  const blob = match?.[2] ?? '';
  const bytes = Buffer.from(blob, 'base64');
  const inner = bytes.length > 4 ? bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString('latin1') : '';
  if (lines.length !== 1 || !types.test(type) || inner !== type) {
    const secret = text.includes('PRIVATE KEY-----');
    throw new EdgectlError('USAGE', {
      message: secret
        ? `${label} is a private key; the public one (.pub) is wanted.`
        : `${label} is not one OpenSSH public key.`,
    });
  }
  const fingerprint = `SHA256:${createHash('sha256').update(bytes).digest('base64').replace(/=+$/, '')}`;
  return { type, blob, comment: match?.[3] ?? '', fingerprint, fido: type.startsWith('sk-') };
}

/** `type blob comment` on one line, as in a `.pub` file. */
export function formatPublicKey(key: PublicKey): string {
  return `${key.type} ${key.blob}${key.comment === '' ? '' : ` ${key.comment}`}\n`;
}
