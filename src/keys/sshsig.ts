import type { KeyObject } from 'node:crypto';
import { createHash, sign } from 'node:crypto';
import { EdgectlError } from '../errors/error.js';

/** An Ed25519 key as a line of an OpenSSH public key file, without comment: `ssh-ed25519 AAAA…`. Throws SIGNING_FAILED for another kind. */
export function sshEd25519Line(key: KeyObject): string {
  return `ssh-ed25519 ${keyBlob(key).toString('base64')}`;
}

/**
 * Signs a text as `ssh-keygen -Y sign` does (PROTOCOL.sshsig, OpenSSH), so that a node verifies it with what it has. The
 * namespace keeps signatures for one purpose from passing for another. Throws SIGNING_FAILED.
 */
export function signSshsig(privateKey: KeyObject, publicKey: KeyObject, namespace: string, text: string): string {
  const magic = Buffer.from('SSHSIG');
  const common = [field(namespace), field(''), field('sha512')];
  const digest = createHash('sha512').update(text, 'utf8').digest();
  const signature = sign(null, Buffer.concat([magic, ...common, field(digest)]), privateKey);
  const blob = Buffer.concat([
    magic,
    Buffer.from([0, 0, 0, 1]),
    field(keyBlob(publicKey)),
    ...common,
    field(Buffer.concat([field('ssh-ed25519'), field(signature)])),
  ]);
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n');
}

function keyBlob(key: KeyObject): Buffer {
  const { kty, crv, x } = key.export({ format: 'jwk' });
  if (kty !== 'OKP' || crv !== 'Ed25519' || x === undefined)
    throw new EdgectlError('SIGNING_FAILED', { message: 'The manifest key has to be an Ed25519 key.' });
  return Buffer.concat([field('ssh-ed25519'), field(Buffer.from(x, 'base64url'))]);
}

function field(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}
