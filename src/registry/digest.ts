import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';

const lengths: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

/** A digest as OCI descriptors write it, of an algorithm that registries must know. */
export function isDigest(text: string): boolean {
  const [algorithm = '', hex = '', ...more] = text.split(':');
  return more.length === 0 && lengths[algorithm] === hex.length && /^[0-9a-f]+$/.test(hex);
}

/** A hash that will come to the given digest when the bytes are right. */
export function hashFor(digest: string): Hash {
  return createHash(digest.slice(0, digest.indexOf(':')));
}

/** The digest of some bytes, by the algorithm of another digest; sha256 when there is none. */
export function digestOf(bytes: Uint8Array, like = 'sha256:'): string {
  return `${like.slice(0, like.indexOf(':'))}:${hashFor(like).update(bytes).digest('hex')}`;
}
