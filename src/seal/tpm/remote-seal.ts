import { createHash, randomBytes } from 'node:crypto';
import { EdgectlError } from '../../errors/error.js';
import type { Sensitive } from '../sensitive.js';
import { algorithmIds, digestSizes } from './algorithms.js';
import { attributeBits } from './attributes.js';
import { sized, u16 } from './encode.js';
import { objectName } from './name.js';
import { outerWrap } from './outer-wrap.js';
import type { KeyedHashPublic, PublicArea } from './public-area.js';
import { encodePublic } from './public-area.js';

/** MAX_SYM_DATA: what a TPM seals at most, bytes. */
export const maxSealed = 128;

/** Data for one TPM, under a policy that whoever seals it chose: the three inputs of `tpm2_import`. */
export interface ImportBlob {
  /** TPM2B_PUBLIC (`-u`). */
  publicArea: Buffer;
  /** TPM2B_PRIVATE, encrypted (`-i`). */
  duplicate: Buffer;
  /** TPM2B_ENCRYPTED_SECRET (`-s`). */
  seed: Buffer;
  /** The object's Name: what a signed manifest can pin. */
  name: Buffer;
}

/**
 * Seals data to a storage key of a TPM without reaching it: what TPM2_Duplicate would give for a sealed object (TPM 2.0
 * Library part 1, 23.3.2). Neither the policy nor the data can be changed on the way. Throws TPM_STRUCTURE, SEAL_POLICY_INVALID.
 */
export function sealForImport(parent: PublicArea, authPolicy: Uint8Array, data: Sensitive<Buffer>): ImportBlob {
  const secret = data.reveal();
  checkSealable(secret, authPolicy);
  // The name of a sealed object must not tell what is in it: a random value goes into the digest.
  const obfuscation = randomBytes(digestSizes.sha256);
  const area: KeyedHashPublic = {
    type: 'keyedhash',
    nameAlg: 'sha256',
    // Without userWithAuth nothing but the policy opens it; without fixedTPM and fixedParent it can be imported.
    attributes: attributeBits(['noDa']),
    authPolicy: Buffer.from(authPolicy),
    scheme: null,
    unique: createHash('sha256').update(obfuscation).update(secret).digest(),
  };
  const name = objectName(area);
  const sensitive = sized(u16(algorithmIds.keyedHash), sized(), sized(obfuscation), sized(secret));
  const wrapped = outerWrap('DUPLICATE', parent, name, sensitive);
  sensitive.fill(0);
  return {
    publicArea: encodePublic(area),
    duplicate: sized(sized(wrapped.integrity), wrapped.ciphertext),
    seed: wrapped.encryptedSeed,
    name,
  };
}

function checkSealable(secret: Buffer, authPolicy: Uint8Array): void {
  if (secret.length === 0 || secret.length > maxSealed) {
    throw new EdgectlError('TPM_STRUCTURE', {
      message: `A TPM seals 1 to ${maxSealed} bytes, not ${secret.length}.`,
    });
  }
  // An object without a policy and without userWithAuth could never be used; one of zeros is no policy either.
  if (authPolicy.length !== digestSizes.sha256 || authPolicy.every((byte) => byte === 0))
    throw new EdgectlError('SEAL_POLICY_INVALID', {
      message: 'Sealing needs a policy: a SHA-256 digest, not of zeros.',
    });
}
