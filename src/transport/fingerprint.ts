import { createHash } from 'node:crypto';

const labels: Readonly<Record<string, string>> = {
  'ssh-ed25519': 'ED25519',
  'ecdsa-sha2-nistp256': 'ECDSA',
  'ecdsa-sha2-nistp384': 'ECDSA',
  'ecdsa-sha2-nistp521': 'ECDSA',
  'ssh-rsa': 'RSA',
  'ssh-dss': 'DSA',
};

/** The type name inside a public key blob (RFC 4253, 6.6), or undefined when the blob is cut short. */
export function keyTypeOf(blob: Buffer): string | undefined {
  if (blob.length < 4) return undefined;
  const length = blob.readUInt32BE(0);
  return length > 0 && length <= 64 && blob.length >= 4 + length ? blob.toString('latin1', 4, 4 + length) : undefined;
}

/** The fingerprint of a public key blob as `ssh-keygen -l` prints it: `ED25519 SHA256:…`. */
export function fingerprint(blob: Buffer): string {
  const type = keyTypeOf(blob) ?? 'unknown';
  const hash = createHash('sha256').update(blob).digest('base64').replace(/=+$/u, '');
  return `${labels[type] ?? type} SHA256:${hash}`;
}
