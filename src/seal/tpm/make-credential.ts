import { EdgectlError } from '../../errors/error.js';
import { digestSizes } from './algorithms.js';
import { sized, u32 } from './encode.js';
import { outerWrap } from './outer-wrap.js';
import type { PublicArea } from './public-area.js';

/** A challenge that only the TPM with this endorsement key can answer, and only while it holds the named object. */
export interface Credential {
  /** TPM2B_ID_OBJECT. */
  idObject: Buffer;
  /** TPM2B_ENCRYPTED_SECRET. */
  secret: Buffer;
}

/** TPM2_MakeCredential without a TPM (TPM 2.0 Library part 1, 24). Throws TPM_STRUCTURE when the key is no storage key, or the value too long for it. */
export function makeCredential(ek: PublicArea, name: Uint8Array, value: Uint8Array): Credential {
  if (value.length === 0 || value.length > digestSizes[ek.nameAlg]) {
    throw new EdgectlError('TPM_STRUCTURE', {
      message: `A credential for this key holds 1 to ${digestSizes[ek.nameAlg]} bytes, not ${value.length}.`,
    });
  }
  const wrapped = outerWrap('IDENTITY', ek, name, sized(value));
  return { idObject: sized(sized(wrapped.integrity), wrapped.ciphertext), secret: wrapped.encryptedSeed };
}

/** The file that `tpm2_activatecredential -i` reads: a magic number, a version, then both structures. */
export function credentialFile(credential: Credential): Buffer {
  return Buffer.concat([u32(0xbadc_c0de), u32(1), credential.idObject, credential.secret]);
}
