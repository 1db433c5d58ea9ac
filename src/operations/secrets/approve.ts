import { approvePolicy, policyReference, policySigner } from '../../seal/tpm/approved-policy.js';
import { generationCounter, nvIndexName } from '../../seal/tpm/nv-index.js';
import type { SealConditions } from '../../seal/tpm/policy.js';
import { policyDigest } from '../../seal/tpm/policy.js';
import type { RecordedPolicy } from '../../secrets/enrolled.js';
import type { OperatorKeys } from '../../secrets/keys.js';

const anyGeneration = (1n << 64n) - 1n;

/** Approves what a node booted: with these PCR values its secrets open. Without PCRs any boot does, on this TPM only. Throws SEAL_POLICY_INVALID. */
export async function approveBoot(
  node: string,
  boot: { pcrs: ReadonlyMap<number, Buffer>; counterIndex: number },
  keys: OperatorKeys,
  at: string,
): Promise<RecordedPolicy> {
  // A policy needs a condition; this one always holds. Which generation opens is bound into each sealed object.
  const any: SealConditions = {
    counter: { nvName: nvIndexName(generationCounter(boot.counterIndex)), generation: anyGeneration },
  };
  const digest = policyDigest(boot.pcrs.size === 0 ? any : { pcrs: boot.pcrs });
  const approved = await approvePolicy(digest, policyReference({ node }), policySigner(keys.policy.privateKey));
  return {
    pcrs: [...boot.pcrs.keys()],
    digest: approved.digest.toString('base64'),
    signature: approved.signature.toString('base64'),
    at,
  };
}
