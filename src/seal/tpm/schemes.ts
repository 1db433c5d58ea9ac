import type { HashName } from './algorithms.js';
import { algorithmIds } from './algorithms.js';
import { u16 } from './encode.js';
import type { TpmReader } from './reader.js';
import { hex } from './reader.js';

/** TPMT_SYM_DEF_OBJECT: how a storage key protects its children. Always AES in CFB mode. */
export interface Symmetric {
  keyBits: 128 | 192 | 256;
}

/** A signing, encryption or HMAC scheme; `rsaes` has no hash. */
export type Scheme =
  { alg: 'rsassa' | 'rsapss' | 'oaep' | 'ecdsa' | 'ecdh' | 'hmac'; hash: HashName } | { alg: 'rsaes' };

/** TPMT_SYM_DEF_OBJECT (TPM 2.0 Library part 2, 11.1.7). */
export function decodeSymmetric(reader: TpmReader): Symmetric | null {
  const alg = reader.u16('the symmetric algorithm');
  if (alg === algorithmIds.null) return null;
  if (alg !== algorithmIds.aes) reader.fail(`the symmetric algorithm is not AES but ${hex(alg)}`);
  const keyBits = reader.u16('the symmetric key size');
  if (keyBits !== 128 && keyBits !== 192 && keyBits !== 256) reader.fail(`AES has no keys of ${keyBits} bits`);
  if (reader.u16('the symmetric mode') !== algorithmIds.cfb) reader.fail('the symmetric mode is not CFB');
  return { keyBits };
}

/** TPMT_RSA_SCHEME and TPMT_ECC_SCHEME (part 2, 11.2.4.2 and 11.2.5.6), of the kinds allowed. */
export function decodeAsymmetricScheme(
  reader: TpmReader,
  allowed: readonly ('rsassa' | 'rsapss' | 'oaep' | 'rsaes' | 'ecdsa' | 'ecdh')[],
): Scheme | null {
  const id = reader.u16('the scheme');
  if (id === algorithmIds.null) return null;
  const alg = allowed.find((name) => algorithmIds[name] === id);
  if (alg === undefined) return reader.fail(`the scheme ${hex(id)} is not used here`);
  return alg === 'rsaes' ? { alg } : { alg, hash: reader.hash('the hash of the scheme') };
}

/** TPMT_KEYEDHASH_SCHEME (part 2, 11.1.20) without XOR obfuscation. */
export function decodeHmacScheme(reader: TpmReader): Scheme | null {
  const id = reader.u16('the scheme');
  if (id === algorithmIds.null) return null;
  if (id !== algorithmIds.hmac) reader.fail(`the scheme ${hex(id)} is not used here`);
  return { alg: 'hmac', hash: reader.hash('the hash of the scheme') };
}

/** The counterpart of {@link decodeSymmetric}. */
export function encodeSymmetric(symmetric: Symmetric | null): Buffer {
  if (symmetric === null) return u16(algorithmIds.null);
  return Buffer.concat([u16(algorithmIds.aes), u16(symmetric.keyBits), u16(algorithmIds.cfb)]);
}

/** The counterpart of both scheme decoders. */
export function encodeScheme(scheme: Scheme | null): Buffer {
  if (scheme === null) return u16(algorithmIds.null);
  const alg = u16(algorithmIds[scheme.alg]);
  return scheme.alg === 'rsaes' ? alg : Buffer.concat([alg, u16(algorithmIds[scheme.hash])]);
}
