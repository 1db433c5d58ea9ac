import type { KeyObject } from 'node:crypto';
import { constants, verify } from 'node:crypto';
import type { HashName } from './algorithms.js';
import { algorithmIds, curves } from './algorithms.js';
import { padLeft, sized, u16 } from './encode.js';
import type { PublicArea } from './public-area.js';
import { keyOfPublicArea } from './public-key.js';
import type { TpmReader } from './reader.js';
import { decodeWhole, hex } from './reader.js';

/** TPMT_SIGNATURE of the schemes that edgectl uses. */
export type TpmSignature =
  { alg: 'ecdsa'; hash: HashName; r: Buffer; s: Buffer } | { alg: 'rsassa'; hash: HashName; signature: Buffer };

/** Reads a TPMT_SIGNATURE (TPM 2.0 Library part 2, 11.3.4). Throws TPM_STRUCTURE. */
export function decodeSignature(bytes: Uint8Array): TpmSignature {
  return decodeWhole(bytes, 'TPMT_SIGNATURE', readSignature);
}

function readSignature(reader: TpmReader): TpmSignature {
  const id = reader.u16('the scheme');
  if (id !== algorithmIds.ecdsa && id !== algorithmIds.rsassa)
    reader.fail(`a signature is made with ECDSA or RSASSA, not with ${hex(id)}`);
  const hash = reader.hash('the hash');
  if (id === algorithmIds.rsassa) return { alg: 'rsassa', hash, signature: reader.sized(512, 'the signature') };
  return { alg: 'ecdsa', hash, r: reader.sized(48, 'r'), s: reader.sized(48, 's') };
}

/** A TPMT_SIGNATURE. */
export function encodeSignature(signature: TpmSignature): Buffer {
  const head = [u16(algorithmIds[signature.alg]), u16(algorithmIds[signature.hash])];
  const body = signature.alg === 'rsassa' ? [sized(signature.signature)] : [sized(signature.r), sized(signature.s)];
  return Buffer.concat([...head, ...body]);
}

/** True when a TPM object signed the message. The scheme and hash of the object, if it has any, are the only ones accepted. */
export function verifySignature(area: PublicArea, message: Uint8Array, signature: TpmSignature): boolean {
  if (area.type === 'keyedhash') return false;
  const { scheme } = area;
  const fits = scheme === null || (scheme.alg === signature.alg && scheme.hash === signature.hash);
  if (!fits || (signature.alg === 'rsassa') !== (area.type === 'rsa')) return false;
  const key = keyOfPublicArea(area);
  if (signature.alg === 'rsassa') return verifyRsa(key, message, signature.hash, signature.signature);
  const size = area.type === 'ecc' ? curves[area.curve].size : 0;
  if (signature.r.length > size || signature.s.length > size) return false;
  const pair = Buffer.concat([padLeft(signature.r, size), padLeft(signature.s, size)]);
  return safely(() => verify(signature.hash, message, { key, dsaEncoding: 'ieee-p1363' }, pair));
}

function verifyRsa(key: KeyObject, message: Uint8Array, hash: HashName, signature: Buffer): boolean {
  return safely(() => verify(hash, message, { key, padding: constants.RSA_PKCS1_PADDING }, signature));
}

/** OpenSSL throws on keys that it cannot compute with, such as an even modulus: such a signature does not verify. */
function safely(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
