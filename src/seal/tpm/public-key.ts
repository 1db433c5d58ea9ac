import type { JsonWebKey, KeyObject } from 'node:crypto';
import { createPublicKey } from 'node:crypto';
import { EdgectlError } from '../../errors/error.js';
import { curves } from './algorithms.js';
import { attributeBits } from './attributes.js';
import { padLeft, u32 } from './encode.js';
import type { EccPublic, PublicArea } from './public-area.js';

/** The key of an RSA or ECC object for node:crypto. Throws TPM_STRUCTURE, also for a point off its curve. */
export function keyOfPublicArea(area: PublicArea): KeyObject {
  try {
    return createPublicKey({ key: jwkOf(area), format: 'jwk' });
  } catch (cause) {
    throw new EdgectlError('TPM_STRUCTURE', { message: `The ${area.type} object holds no usable public key.`, cause });
  }
}

/** SubjectPublicKeyInfo in DER: the same for a key in a certificate and in a TPM. Throws TPM_STRUCTURE. */
export function spkiOfPublicArea(area: PublicArea): Buffer {
  return keyOfPublicArea(area).export({ type: 'spki', format: 'der' });
}

/**
 * The object that `tpm2_loadexternal -G ecc -u FILE.pem` makes of a P-256 public key; its name stands in policies.
 * Throws TPM_STRUCTURE for any other key.
 */
export function externalKey(key: KeyObject): EccPublic {
  const { kty, crv, x, y } = key.asymmetricKeyType === 'ec' ? key.export({ format: 'jwk' }) : ({} as JsonWebKey);
  if (kty !== 'EC' || crv !== curves.p256.jwk || x === undefined || y === undefined)
    throw new EdgectlError('TPM_STRUCTURE', { message: 'A policy key must be an ECC key on P-256.' });
  return {
    type: 'ecc',
    nameAlg: 'sha256',
    attributes: attributeBits(['userWithAuth', 'decrypt', 'sign']),
    authPolicy: Buffer.alloc(0),
    symmetric: null,
    scheme: null,
    curve: 'p256',
    x: padLeft(Buffer.from(x, 'base64url'), curves.p256.size),
    y: padLeft(Buffer.from(y, 'base64url'), curves.p256.size),
  };
}

function jwkOf(area: PublicArea): JsonWebKey {
  switch (area.type) {
    case 'rsa':
      return { kty: 'RSA', n: area.modulus.toString('base64url'), e: exponentOf(area.exponent) };
    case 'ecc': {
      const { jwk, size } = curves[area.curve];
      const [x, y] = [area.x, area.y].map((part) => padLeft(part, size).toString('base64url'));
      return { kty: 'EC', crv: jwk, x: x ?? '', y: y ?? '' };
    }
    case 'keyedhash':
      throw new TypeError('Sealed data has no public key.');
  }
}

function exponentOf(exponent: number): string {
  const bytes = u32(exponent === 0 ? 65_537 : exponent);
  return bytes.subarray(bytes.findIndex((byte) => byte !== 0)).toString('base64url');
}
