import { objectName, qualifiedName } from '../tpm/name.js';
import type { PublicArea } from '../tpm/public-area.js';
import type { Evidence, TpmMoment } from './signer.js';
import { checkStorageKey, refuse, sameBytes, verifyEvidence } from './signer.js';

/** A TPM2_Certify of the storage key by the attestation key. */
export interface CertifyEvidence extends Evidence {
  /** The key that is said to be in the TPM, directly below the owner hierarchy. */
  storageKey: PublicArea;
}

/**
 * Verifies that a storage key was made by this TPM and can never leave it. A TPM certifies any loaded key, also one that was
 * made outside: the key's own attributes are what tells them apart. Throws TPM_ATTESTATION, TPM_STRUCTURE.
 */
export function verifyStorageKey(evidence: CertifyEvidence): TpmMoment {
  const attest = verifyEvidence(evidence, 'certify');
  const { storageKey } = evidence;
  if (!sameBytes(attest.name, objectName(storageKey))) refuse('it is about another key than the storage key');
  if (!sameBytes(attest.qualifiedName, qualifiedName('owner', storageKey)))
    refuse('the storage key is no primary key of the owner hierarchy');
  checkStorageKey(storageKey);
  return { clock: attest.clockInfo, firmwareVersion: attest.firmwareVersion };
}
