import { createHash, createHmac } from 'node:crypto';
import type { HashName } from './algorithms.js';
import { digestSizes } from './algorithms.js';
import { u32 } from './encode.js';

/** What goes into a key derivation besides its key. */
export interface KdfInput {
  hash: HashName;
  /** `IDENTITY`, `STORAGE`, …: without the terminating NUL. */
  label: string;
  u?: Uint8Array;
  v?: Uint8Array;
  /** A multiple of eight. */
  bits: number;
}

/** KDFa: SP 800-108 in counter mode with HMAC (TPM 2.0 Library part 1, 11.4.10.2). */
export function kdfA(key: Uint8Array, input: KdfInput): Buffer {
  const { hash, u = new Uint8Array(), v = new Uint8Array(), bits } = input;
  const fixed = [label(input), u, v, u32(bits)];
  return blocks(input, (counter) =>
    createHmac(hash, key)
      .update(Buffer.concat([u32(counter), ...fixed]))
      .digest(),
  );
}

/** KDFe: SP 800-56A's concatenation KDF over an ECDH secret (part 1, 11.4.10.3). */
export function kdfE(secret: Uint8Array, input: KdfInput): Buffer {
  const { hash, u = new Uint8Array(), v = new Uint8Array() } = input;
  return blocks(input, (counter) =>
    createHash(hash)
      .update(Buffer.concat([u32(counter), secret, label(input), u, v]))
      .digest(),
  );
}

function label(input: KdfInput): Buffer {
  return Buffer.from(`${input.label}\0`, 'ascii');
}

function blocks({ hash, bits }: KdfInput, block: (counter: number) => Buffer): Buffer {
  const size = bits / 8;
  const count = Math.ceil(size / digestSizes[hash]);
  return Buffer.concat(Array.from({ length: count }, (_, index) => block(index + 1))).subarray(0, size);
}
