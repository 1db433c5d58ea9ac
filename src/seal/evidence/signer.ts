import { timingSafeEqual } from 'node:crypto';
import { EdgectlError } from '../../errors/error.js';
import type { CertifyAttest, ClockInfo, QuoteAttest } from '../tpm/attest.js';
import { decodeAttest } from '../tpm/attest.js';
import { attributeFaults } from '../tpm/attributes.js';
import type { PublicArea } from '../tpm/public-area.js';
import { decodeSignature, verifySignature } from '../tpm/signature.js';

/** What a TPM signed, with what, and what it was asked. */
export interface Evidence {
  /** TPMS_ATTEST. */
  message: Uint8Array;
  /** TPMT_SIGNATURE. */
  signature: Uint8Array;
  /** The attestation key. */
  ak: PublicArea;
  /** The attestation key's qualified name, when its parents are known: the TPM signs that too. */
  qualifiedSigner?: Buffer;
  /** What the TPM was given to sign along. */
  nonce: Uint8Array;
}

/** What every attestation tells of its TPM. */
export interface TpmMoment {
  clock: ClockInfo;
  firmwareVersion: bigint;
}

/** Refuses a key that could have signed something which no TPM made. Throws TPM_ATTESTATION. */
export function checkAttestationKey(ak: PublicArea): void {
  const faults = attributeFaults(ak.attributes, {
    all: ['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'restricted', 'sign'],
    none: ['decrypt', 'stClear', 'encryptedDuplication', 'x509Sign'],
  });
  if (ak.type === 'keyedhash' || ak.scheme === null) faults.push('has no signing scheme of its own');
  if (faults.length > 0) refuse(`the attestation key ${faults.join(', ')}`);
}

/** Refuses a storage key that does not keep what it protects inside of its TPM. Throws TPM_ATTESTATION. */
export function checkStorageKey(key: PublicArea): void {
  const faults = attributeFaults(key.attributes, {
    all: ['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'restricted', 'decrypt'],
    none: ['sign', 'stClear', 'encryptedDuplication', 'x509Sign'],
  });
  if (key.type === 'keyedhash' || key.symmetric === null) faults.push('has no symmetric algorithm');
  if (faults.length > 0) refuse(`the storage key ${faults.join(', ')}`);
}

/** Verifies key, signature, type and nonce, and gives what was signed. Throws TPM_ATTESTATION, TPM_STRUCTURE. */
export function verifyEvidence(evidence: Evidence, type: 'quote'): QuoteAttest;
export function verifyEvidence(evidence: Evidence, type: 'certify'): CertifyAttest;
export function verifyEvidence(evidence: Evidence, type: 'quote' | 'certify'): QuoteAttest | CertifyAttest {
  const { ak, qualifiedSigner, message } = evidence;
  checkAttestationKey(ak);
  if (!verifySignature(ak, message, decodeSignature(evidence.signature)))
    refuse('the signature is not one of the attestation key over this');
  const attest = decodeAttest(message);
  if (attest.type !== type) refuse(`it is a ${attest.type}, not a ${type}`);
  if (evidence.nonce.length === 0 || !sameBytes(attest.extraData, evidence.nonce))
    refuse('it was made for another question: the nonce differs');
  if (qualifiedSigner !== undefined && !sameBytes(attest.qualifiedSigner, qualifiedSigner))
    refuse('the attestation key does not hang from the expected parent');
  return attest;
}

/** Compares without telling by its duration where the difference is. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** Refuses what a TPM says. */
export function refuse(reason: string): never {
  throw new EdgectlError('TPM_ATTESTATION', { message: `The attestation is refused: ${reason}.` });
}
