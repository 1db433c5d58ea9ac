import type { KeyObject } from 'node:crypto';
import { sign } from 'node:crypto';
import { EdgectlError } from '../../errors/error.js';
import { digestSizes } from './algorithms.js';
import { objectName } from './name.js';
import { policyAuthorize, policyNv } from './policy.js';
import { externalKey } from './public-key.js';
import { decodeSignature, encodeSignature, verifySignature } from './signature.js';

/** A policy that the policy key vouches for, as files for tpm2-tools. */
export interface ApprovedPolicy {
  /** The approved digest (`tpm2_policyauthorize -i`). */
  digest: Buffer;
  /** TPMT_SIGNATURE over digest and reference (`tpm2_verifysignature -s`). */
  signature: Buffer;
}

/** Signs ECDSA-P256-SHA256 over a message and gives r and s, 32 bytes each: a key file, or a token. */
export type PolicySigner = (message: Buffer) => Promise<Buffer> | Buffer;

/** TPM2B_NONCE: the largest reference that a policy can carry. */
const maxReference = 64;

/** The text that keeps policies of one node, or of one class of hardware, apart from all others. Throws SEAL_POLICY_INVALID. */
export function policyReference(scope: { node: string } | { group: string }): Buffer {
  const text = `edgectl/v1/${'node' in scope ? `node=${scope.node}` : `group=${scope.group}`}`;
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= maxReference) return bytes;
  throw new EdgectlError('SEAL_POLICY_INVALID', {
    message: `The policy reference ${text} has ${bytes.length} bytes; a TPM takes ${maxReference}.`,
  });
}

/** The authPolicy of objects that open under any policy which this key approves for this reference. Throws TPM_STRUCTURE when it is no P-256 key. */
export function authorizedPolicy(policyKey: KeyObject, reference: Buffer): Buffer {
  return policyAuthorize(objectName(externalKey(policyKey)), reference);
}

/** What opens an object while the counter with this name is at most `generation`: stands behind PolicyAuthorize, so that no approval can lift it. */
export interface GenerationLimit {
  nvName: Buffer;
  generation: bigint;
}

/** The authPolicy of one generation of a secret: an approved policy for this reference, and the counter. Throws TPM_STRUCTURE, SEAL_POLICY_INVALID. */
export function generationPolicy(policyKey: KeyObject, reference: Buffer, limit: GenerationLimit): Buffer {
  return policyNv(authorizedPolicy(policyKey, reference), limit.nvName, limit.generation);
}

/** Approves a policy digest for a reference. Throws SEAL_POLICY_INVALID on what is no digest, or approves everything. */
export async function approvePolicy(digest: Buffer, reference: Buffer, signer: PolicySigner): Promise<ApprovedPolicy> {
  // The digest of no condition at all is 32 zeros: approving it would open every object of this reference to anybody on the node.
  if (digest.length !== digestSizes.sha256 || digest.every((byte) => byte === 0))
    throw new EdgectlError('SEAL_POLICY_INVALID', { message: 'An approved policy needs at least one condition.' });
  const pair = await signer(Buffer.concat([digest, reference]));
  if (pair.length !== 64)
    throw new EdgectlError('SIGNING_FAILED', { message: 'The policy key gave no P-256 signature.' });
  const [r, s] = [pair.subarray(0, 32), pair.subarray(32)];
  return { digest, signature: encodeSignature({ alg: 'ecdsa', hash: 'sha256', r, s }) };
}

/** Signs with a private P-256 key. */
export function policySigner(privateKey: KeyObject): PolicySigner {
  return (message) => sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
}

/** True when the policy key approved this digest for this reference. Throws TPM_STRUCTURE on a malformed signature. */
export function isApproved(policyKey: KeyObject, reference: Buffer, approved: ApprovedPolicy): boolean {
  const message = Buffer.concat([approved.digest, reference]);
  const signature = decodeSignature(approved.signature);
  const fits = approved.digest.length === digestSizes.sha256 && signature.hash === 'sha256';
  return fits && verifySignature(externalKey(policyKey), message, signature);
}
