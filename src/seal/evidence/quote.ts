import { createHash } from 'node:crypto';
import type { PcrValues } from '../tpm/pcr.js';
import { concatenatedPcrs, pcrIndices } from '../tpm/pcr.js';
import type { Evidence, TpmMoment } from './signer.js';
import { refuse, sameBytes, verifyEvidence } from './signer.js';

/** A quote, and the values that the node says its PCRs have. */
export interface QuoteEvidence extends Evidence {
  /** SHA-256 bank; exactly the PCRs that were asked for. */
  pcrs: PcrValues;
}

/** Verifies a quote: that the TPM with this attestation key had these PCR values when it was given the nonce. Throws TPM_ATTESTATION, TPM_STRUCTURE, SEAL_POLICY_INVALID. */
export function verifyQuote(evidence: QuoteEvidence): TpmMoment {
  const attest = verifyEvidence(evidence, 'quote');
  const asked = pcrIndices(evidence.pcrs.keys());
  const [selection, ...more] = attest.selections;
  const same = selection?.bank === 'sha256' && selection.pcrs.join() === asked.join();
  if (!same || more.length > 0) refuse(`it is not about PCR ${asked.join(', ')} of the SHA-256 bank`);
  const { ak } = evidence;
  // The digest is made with the hash of the key's scheme, whatever the bank's.
  const hash = ak.type !== 'keyedhash' && ak.scheme !== null && ak.scheme.alg !== 'rsaes' ? ak.scheme.hash : 'sha256';
  const digest = createHash(hash).update(concatenatedPcrs(evidence.pcrs)).digest();
  if (!sameBytes(attest.pcrDigest, digest)) refuse('the PCR values are not those that the TPM signed');
  return { clock: attest.clockInfo, firmwareVersion: attest.firmwareVersion };
}
