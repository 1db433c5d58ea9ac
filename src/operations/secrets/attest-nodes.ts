import { hostname, userInfo } from 'node:os';
import { EdgectlError } from '../../errors/error.js';
import type { FleetNode } from '../../fleet/types.js';
import { ekHashOf } from '../../seal/evidence/ek-chain.js';
import { encodePublic } from '../../seal/tpm/public-area.js';
import type { EnrolledNode } from '../../secrets/enrolled.js';
import { readAllEnrolled, writeEnrolled } from '../../secrets/enrolled.js';
import { requireOperatorKeys } from '../../secrets/keys.js';
import { fileKnownHosts } from '../../transport/known-hosts/file.js';
import { mapLimit } from '../../util/map-limit.js';
import type { Workbench } from '../workbench.js';
import { approveBoot } from './approve.js';
import type { Attested } from './attest.js';
import { attestNode } from './attest.js';
import { policyFields } from './enroll.js';
import type { NodeEnd } from './node-desk.js';
import { endOf, NodeDesk, NodeStop } from './node-desk.js';

/** What a node proves now, next to what it was enrolled with. */
export interface AttestEnd extends NodeEnd {
  class?: string;
  /** PCRs that differ from the record. */
  changed?: number[];
  /** Resets of the TPM since it was enrolled. */
  resets?: number;
  approved?: boolean;
}

type Bench = Pick<Workbench, 'fleet' | 'client' | 'around'>;

/**
 * Quotes nodes again and compares with their records. With `approve`, what they booted now is approved too, so that their
 * secrets open again without being sent. Throws KEYS_NOT_FOUND, NODE_NOT_ENROLLED.
 */
export async function attestNodes(
  bench: Bench,
  nodes: readonly FleetNode[],
  options: { approve: boolean },
): Promise<AttestEnd[]> {
  const { fleet, around } = bench;
  const keys = await requireOperatorKeys(fleet, around);
  const known = await readAllEnrolled(fleet, keys.manifest.publicKey);
  const pins = fileKnownHosts(fleet.knownHostsFile);
  return mapLimit(nodes, 32, async (node): Promise<AttestEnd> => {
    const found: Omit<AttestEnd, keyof NodeEnd> = {};
    const end = await endOf(node.id, async () => {
      const record = known.get(node.id);
      if (record?.tpm === undefined)
        throw new NodeStop('refused', 'NODE_NOT_ENROLLED', 'it is not enrolled with a TPM: edgectl node enroll');
      found.class = record.class;
      const desk = new NodeDesk(node, bench.client, around.signal);
      const pinned = (await pins.lookup(node.id)).keys.map(({ type, key }) => `${type} ${key}`);
      const pcrs = Object.keys(record.tpm.pcrs).map(Number);
      const owner = { owner: userInfo().username, host: hostname() };
      await desk.leased(`attest-${around.randomHex(8)}`, owner, async () => {
        const attested = await attestNode(desk, { fleet: fleet.id, pcrs, pinned });
        sameTpm(record, attested);
        found.changed = changedPcrs(record, attested);
        found.resets = attested.resetCount - (record.tpm?.resetCount ?? 0);
        if (!options.approve || found.changed.length === 0) return;
        const at = new Date(around.now()).toISOString();
        const policy = await approveBoot(node.id, attested, keys, at);
        await desk.ask('secret', policyFields(policy));
        await writeEnrolled(fleet.dir, withPolicy(record, attested, policy), keys.manifest.privateKey);
        found.approved = true;
      });
    });
    return { ...end, ...found };
  });
}

/** Refuses a TPM, or keys in it, that are not those of the record. Throws TPM_ATTESTATION. */
function sameTpm({ tpm, node }: EnrolledNode, attested: Attested): void {
  const fault =
    tpm?.ekHash !== ekHashOf(attested.ek)
      ? 'another TPM than it was enrolled with'
      : tpm.srk !== encodePublic(attested.srk).toString('base64')
        ? 'another storage key: the TPM was cleared, and what was sealed for it is lost'
        : tpm.ak !== encodePublic(attested.ak).toString('base64')
          ? 'another attestation key'
          : undefined;
  if (fault === undefined) return;
  throw new EdgectlError('TPM_ATTESTATION', {
    message: `${node} has ${fault}.`,
    hint: `edgectl node enroll ${node}, once you know why`,
  });
}

function changedPcrs({ tpm }: EnrolledNode, attested: Attested): number[] {
  return [...attested.pcrs]
    .filter(([index, value]) => tpm?.pcrs[String(index)] !== value.toString('hex'))
    .map(([index]) => index);
}

function withPolicy(record: EnrolledNode, attested: Attested, policy: EnrolledNode['policies'][number]): EnrolledNode {
  const pcrs = Object.fromEntries([...attested.pcrs].map(([index, value]) => [String(index), value.toString('hex')]));
  const tpm = record.tpm === undefined ? undefined : { ...record.tpm, pcrs };
  return { ...record, ...(tpm === undefined ? {} : { tpm }), policies: [...record.policies, policy] };
}
