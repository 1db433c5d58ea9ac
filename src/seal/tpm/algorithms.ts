/** TPM_ALG_ID values that edgectl meets (TPM 2.0 Library part 2, 6.3). */
export const algorithmIds = {
  rsa: 0x0001,
  sha1: 0x0004,
  hmac: 0x0005,
  aes: 0x0006,
  keyedHash: 0x0008,
  sha256: 0x000b,
  sha384: 0x000c,
  sha512: 0x000d,
  null: 0x0010,
  rsassa: 0x0014,
  rsaes: 0x0015,
  rsapss: 0x0016,
  oaep: 0x0017,
  ecdsa: 0x0018,
  ecdh: 0x0019,
  ecc: 0x0023,
  cfb: 0x0043,
} as const;

/** Hashes that may protect something: SHA-1 is not among them. */
export type HashName = 'sha256' | 'sha384' | 'sha512';
/** Banks that PCRs can be kept in. */
export type PcrBank = 'sha1' | HashName;
/** Curves of keys (TPM_ECC_CURVE; part 2, 6.4). */
export type CurveName = 'p256' | 'p384';

/** Bytes of a digest. */
export const digestSizes: Readonly<Record<PcrBank, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 };
/** What each curve is called by the TPM, by JSON Web Keys and by OpenSSL, and the bytes of a coordinate. */
export const curves = {
  p256: { id: 0x0003, jwk: 'P-256', openssl: 'prime256v1', size: 32 },
  p384: { id: 0x0004, jwk: 'P-384', openssl: 'secp384r1', size: 48 },
} as const satisfies Record<CurveName, { id: number; jwk: string; openssl: string; size: number }>;

const hashNames: Readonly<Record<number, HashName>> = {
  [algorithmIds.sha256]: 'sha256',
  [algorithmIds.sha384]: 'sha384',
  [algorithmIds.sha512]: 'sha512',
};

/** The hash of an algorithm id; undefined for SHA-1 and everything else. */
export function hashOfId(id: number): HashName | undefined {
  return hashNames[id];
}

/** The curve of a TPM_ECC_CURVE value. */
export function curveOfId(id: number): CurveName | undefined {
  return id === curves.p256.id ? 'p256' : id === curves.p384.id ? 'p384' : undefined;
}
