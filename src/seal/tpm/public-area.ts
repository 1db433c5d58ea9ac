import type { CurveName, HashName } from './algorithms.js';
import { algorithmIds, curveOfId, curves, digestSizes } from './algorithms.js';
import { areKnownAttributes } from './attributes.js';
import { sized, u16, u32 } from './encode.js';
import type { Scheme, Symmetric } from './schemes.js';
import { decodeAsymmetricScheme, decodeHmacScheme, decodeSymmetric, encodeScheme, encodeSymmetric } from './schemes.js';
import { decodeWhole, hex } from './reader.js';
import type { TpmReader } from './reader.js';

interface PublicCommon {
  nameAlg: HashName;
  /** TPMA_OBJECT. */
  attributes: number;
  /** Empty, or a digest of nameAlg. */
  authPolicy: Buffer;
}

/** An RSA key. */
export interface RsaPublic extends PublicCommon {
  type: 'rsa';
  symmetric: Symmetric | null;
  scheme: Scheme | null;
  keyBits: number;
  /** 0 means 65537. */
  exponent: number;
  modulus: Buffer;
}

/** A key on a NIST curve. */
export interface EccPublic extends PublicCommon {
  type: 'ecc';
  symmetric: Symmetric | null;
  scheme: Scheme | null;
  curve: CurveName;
  x: Buffer;
  y: Buffer;
}

/** Sealed data, or an HMAC key. */
export interface KeyedHashPublic extends PublicCommon {
  type: 'keyedhash';
  scheme: Scheme | null;
  unique: Buffer;
}

/** TPMT_PUBLIC (TPM 2.0 Library part 2, 12.2.4), of the kinds that edgectl uses. */
export type PublicArea = RsaPublic | EccPublic | KeyedHashPublic;

const maxPublic = 1024;

/** Reads a TPM2B_PUBLIC: what `tpm2_* -u` writes. Throws TPM_STRUCTURE. */
export function decodePublic(bytes: Uint8Array): PublicArea {
  const inner = decodeWhole(bytes, 'TPM2B_PUBLIC', (reader) => reader.sized(maxPublic, 'the public area'));
  return decodePublicArea(inner);
}

/** Reads a TPMT_PUBLIC. Throws TPM_STRUCTURE. */
export function decodePublicArea(bytes: Uint8Array): PublicArea {
  return decodeWhole(bytes, 'TPMT_PUBLIC', readPublicArea);
}

/** A TPM2B_PUBLIC. */
export function encodePublic(area: PublicArea): Buffer {
  return sized(encodePublicArea(area));
}

/** A TPMT_PUBLIC; the same bytes that it was read from. */
export function encodePublicArea(area: PublicArea): Buffer {
  const common = [u16(algorithmIds[area.nameAlg]), u32(area.attributes), sized(area.authPolicy)];
  switch (area.type) {
    case 'rsa': {
      const parameters = [encodeSymmetric(area.symmetric), encodeScheme(area.scheme), u16(area.keyBits)];
      const key = [...parameters, u32(area.exponent), sized(area.modulus)];
      return Buffer.concat([u16(algorithmIds.rsa), ...common, ...key]);
    }
    case 'ecc': {
      const parameters = [encodeSymmetric(area.symmetric), encodeScheme(area.scheme), u16(curves[area.curve].id)];
      const key = [...parameters, u16(algorithmIds.null), sized(area.x), sized(area.y)];
      return Buffer.concat([u16(algorithmIds.ecc), ...common, ...key]);
    }
    case 'keyedhash':
      return Buffer.concat([u16(algorithmIds.keyedHash), ...common, encodeScheme(area.scheme), sized(area.unique)]);
  }
}

function readPublicArea(reader: TpmReader): PublicArea {
  const type = reader.u16('the type');
  const nameAlg = reader.hash('the name algorithm');
  const attributes = reader.u32('the attributes');
  if (!areKnownAttributes(attributes)) reader.fail('a reserved attribute is set');
  const authPolicy = reader.sized(digestSizes[nameAlg], 'the policy');
  if (authPolicy.length !== 0 && authPolicy.length !== digestSizes[nameAlg])
    reader.fail('the policy is no digest of the name algorithm');
  const common = { nameAlg, attributes, authPolicy };
  if (type === algorithmIds.rsa) return readRsa(reader, common);
  if (type === algorithmIds.ecc) return readEcc(reader, common);
  if (type === algorithmIds.keyedHash) return readKeyedHash(reader, common);
  return reader.fail(`objects of type ${hex(type)} are not used here`);
}

function readRsa(reader: TpmReader, common: PublicCommon): RsaPublic {
  const symmetric = decodeSymmetric(reader);
  const scheme = decodeAsymmetricScheme(reader, ['rsassa', 'rsapss', 'oaep', 'rsaes']);
  const keyBits = reader.u16('the key size');
  if (![2048, 3072, 4096].includes(keyBits)) reader.fail(`an RSA key of ${keyBits} bits is not used here`);
  const exponent = reader.u32('the exponent');
  if (exponent !== 0 && exponent !== 65_537) reader.fail('the public exponent is not 65537');
  const modulus = reader.sized(keyBits / 8, 'the modulus');
  // A modulus with its highest bit clear is a shorter key than it says.
  if (modulus.length !== keyBits / 8 || (modulus[0] ?? 0) < 0x80)
    reader.fail('the modulus is shorter than the key size');
  return { type: 'rsa', ...common, symmetric, scheme, keyBits, exponent, modulus };
}

function readEcc(reader: TpmReader, common: PublicCommon): EccPublic {
  const symmetric = decodeSymmetric(reader);
  const scheme = decodeAsymmetricScheme(reader, ['ecdsa', 'ecdh']);
  const id = reader.u16('the curve');
  const curve = curveOfId(id) ?? reader.fail(`the curve is not P-256 or P-384 but ${hex(id)}`);
  if (reader.u16('the key derivation') !== algorithmIds.null) reader.fail('a key derivation scheme is set');
  const { size } = curves[curve];
  const [x, y] = [reader.sized(size, 'x'), reader.sized(size, 'y')];
  if (x.length === 0 || y.length === 0) reader.fail('the point is empty: this is a template, not a key');
  return { type: 'ecc', ...common, symmetric, scheme, curve, x, y };
}

function readKeyedHash(reader: TpmReader, common: PublicCommon): KeyedHashPublic {
  const scheme = decodeHmacScheme(reader);
  const unique = reader.sized(digestSizes[common.nameAlg], 'the unique value');
  if (unique.length !== digestSizes[common.nameAlg]) reader.fail('the unique value is no digest of the name algorithm');
  return { type: 'keyedhash', ...common, scheme, unique };
}
