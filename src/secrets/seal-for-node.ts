import { createHash } from 'node:crypto';
import { EdgectlError } from '../errors/error.js';
import { signSshsig } from '../keys/sshsig.js';
import { ageEncrypt, parseAgeRecipient } from '../seal/age.js';
import type { Sensitive } from '../seal/sensitive.js';
import { generationPolicy, policyReference } from '../seal/tpm/approved-policy.js';
import { generationCounter, nvIndexName } from '../seal/tpm/nv-index.js';
import { decodePublic } from '../seal/tpm/public-area.js';
import { sealForImport } from '../seal/tpm/remote-seal.js';
import type { EnrolledNode } from './enrolled.js';
import type { OperatorKeys } from './keys.js';
import type { SealedForNode, SecretEntry } from './store.js';

/** Signature namespace of manifests. */
export const manifestNamespace = 'edgectl-secret';

/** What is sealed for one node. */
export interface SealRequest {
  record: EnrolledNode;
  entry: SecretEntry;
  /** The bundle's own age identity. */
  identity: Sensitive<Buffer>;
  /** SHA-256 of the bundle, hex. */
  bundle: string;
  keys: OperatorKeys;
}

/** Seals a bundle's key for one node, for the next value of its counter. Throws TPM_STRUCTURE, SEAL_POLICY_INVALID. */
export async function sealForNode({ record, entry, identity, bundle, keys }: SealRequest): Promise<SealedForNode> {
  const floor = record.tpm === undefined ? 0 : record.floor + 1;
  const { key, digest } = await sealKey(record, floor, identity, keys);
  const kind = record.tpm === undefined ? 'software' : 'tpm';
  const { owner, mode, units } = entry;
  const manifest = manifestText(record, entry, {
    bundle,
    floor,
    key: digest,
    kind,
    mode,
    owner,
    units: units.join(','),
  });
  return { node: record.node, floor, manifest, signature: signManifest(manifest, keys), key };
}

/** What tells a node that it may not have a secret any more: the counter closes what it has. */
export function revokeForNode(record: EnrolledNode, entry: SecretEntry, keys: OperatorKeys): SealedForNode {
  const floor = record.tpm === undefined ? 0 : record.floor + 1;
  const manifest = manifestText(record, entry, { floor, remove: 1 });
  return { node: record.node, floor, manifest, signature: signManifest(manifest, keys) };
}

async function sealKey(
  record: EnrolledNode,
  floor: number,
  identity: Sensitive<Buffer>,
  keys: OperatorKeys,
): Promise<{ key: NonNullable<SealedForNode['key']>; digest: string }> {
  if (record.tpm === undefined) {
    const recipient = await parseAgeRecipient(record.recipient ?? '');
    const age = await ageEncrypt([recipient], identity);
    return { key: { age: age.toString('base64') }, digest: sha256(age) };
  }
  const limit = { nvName: nvIndexName(generationCounter(record.tpm.counterIndex)), generation: BigInt(floor) };
  const policy = generationPolicy(keys.policy.publicKey, policyReference({ node: record.node }), limit);
  const blob = sealForImport(decodePublic(Buffer.from(record.tpm.srk, 'base64')), policy, identity);
  const parts = [blob.publicArea, blob.duplicate, blob.seed] as const;
  const [pub, dup, seed] = parts.map((part) => part.toString('base64')) as [string, string, string];
  return { key: { pub, dup, seed }, digest: sha256(Buffer.concat(parts)) };
}

/** Lines `key=value`, sorted: what a node reads and verifies. */
function manifestText(record: EnrolledNode, entry: SecretEntry, more: Record<string, string | number>): string {
  const { name, generation } = entry;
  const all = { 'edgectl-secret': 1, fleet: record.fleet, node: record.node, name, generation, ...more };
  const lines = Object.entries(all).map(([key, value]) => `${key}=${value}\n`);
  if (lines.some((line) => /[^\x20-\x7e\n]|\n./.test(line)))
    throw new EdgectlError('USAGE', { message: 'A manifest holds printable ASCII only.' });
  return lines.sort((one, other) => ((one.split('=')[0] ?? '') < (other.split('=')[0] ?? '') ? -1 : 1)).join('');
}

function signManifest(text: string, { manifest }: OperatorKeys): string {
  return signSshsig(manifest.privateKey, manifest.publicKey, manifestNamespace, text);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
