import { hostname, userInfo } from 'node:os';
import path from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import type { FleetNode } from '../../fleet/types.js';
import { readEkAuthorities } from '../../seal/evidence/ek-authorities.js';
import { ekHashOf } from '../../seal/evidence/ek-chain.js';
import { encodePublic } from '../../seal/tpm/public-area.js';
import type { EnrolledNode, NodeClass } from '../../secrets/enrolled.js';
import { enrolledFile, isLower, readAllEnrolled, writeEnrolled } from '../../secrets/enrolled.js';
import { requireOperatorKeys } from '../../secrets/keys.js';
import type { OperatorKeys } from '../../secrets/keys.js';
import { fileKnownHosts } from '../../transport/known-hosts/file.js';
import { mapLimit } from '../../util/map-limit.js';
import type { Workbench } from '../workbench.js';
import { approveBoot } from './approve.js';
import type { Attested } from './attest.js';
import { attestNode } from './attest.js';
import { classOf } from './node-class.js';
import type { EkPins } from './node-class.js';
import type { NodeEnd } from './node-desk.js';
import { endOf, NodeDesk, NodeStop } from './node-desk.js';
import type { TrustStatement } from './trust-statement.js';
import { trustStatement } from './trust-statement.js';

/** What an operator decides about enrolling. */
export interface EnrollOptions {
  /** PCRs of the SHA-256 bank that are quoted, and approved unless `anyBoot`. */
  pcrs: readonly number[];
  /** Secrets open whatever was booted, on this TPM. */
  anyBoot: boolean;
  /** Expected endorsement keys by node. */
  pins: EkPins | undefined;
  /** A TPM that nothing vouches for is taken as it is. */
  approve: boolean;
  /** A node without a TPM gets a key in a file. */
  software: boolean;
  /** Why a node may prove less than before. */
  lower: string | undefined;
}

/** How a node was enrolled. */
export interface EnrollEnd extends NodeEnd {
  class?: NodeClass;
  ekHash?: string;
  maker?: string;
  file?: string;
}

/** Nodes that are asked at the same time. */
const atOnce = 32;

type Bench = Pick<Workbench, 'fleet' | 'client' | 'around'>;

/** Enrolls nodes one by one; a node that fails leaves the others alone, and asking again does the rest. Throws KEYS_NOT_FOUND, SIGNING_FAILED. */
export async function enrollNodes(
  bench: Bench,
  nodes: readonly FleetNode[],
  options: EnrollOptions,
): Promise<EnrollEnd[]> {
  const { fleet, around } = bench;
  const keys = await requireOperatorKeys(fleet, around);
  const shared = {
    keys,
    known: await readAllEnrolled(fleet, keys.manifest.publicKey),
    claimed: new Map<string, string>(),
    authorities: await readEkAuthorities(path.join(fleet.dir, 'trust', 'tpm-ca')),
    trust: await trustStatement(fleet, keys, around),
    pinned: fileKnownHosts(fleet.knownHostsFile),
  };
  return mapLimit(nodes, atOnce, async (node) => new Enrollment(bench, node, options, shared).run());
}

interface Shared {
  keys: OperatorKeys;
  known: Map<string, EnrolledNode>;
  /** Endorsement keys that were shown in this command, by the node that showed them first: many are asked at the same time. */
  claimed: Map<string, string>;
  authorities: Awaited<ReturnType<typeof readEkAuthorities>>;
  trust: TrustStatement;
  pinned: ReturnType<typeof fileKnownHosts>;
}

/** One node: it proves what it is, learns whom to believe, and its record is written. */
class Enrollment {
  readonly #desk: NodeDesk;
  readonly #now: string;

  constructor(
    private readonly bench: Bench,
    private readonly node: FleetNode,
    private readonly options: EnrollOptions,
    private readonly shared: Shared,
  ) {
    this.#desk = new NodeDesk(node, bench.client, bench.around.signal);
    this.#now = new Date(bench.around.now()).toISOString();
  }

  async run(): Promise<EnrollEnd> {
    let record: EnrolledNode | undefined;
    const { around, fleet } = this.bench;
    const end = await endOf(this.node.id, async () => {
      const owner = { owner: userInfo().username, host: hostname() };
      record = await this.#desk.leased(`enroll-${around.randomHex(8)}`, owner, async () => this.#enroll());
    });
    if (record === undefined) return end;
    const { tpm } = record;
    const file = enrolledFile(fleet.dir, this.node.id);
    const about = tpm === undefined ? {} : { ekHash: tpm.ekHash };
    const maker = tpm?.maker === undefined ? {} : { maker: tpm.maker };
    return { ...end, class: record.class, ...about, ...maker, file };
  }

  async #enroll(): Promise<EnrolledNode> {
    const record = await this.#prove();
    this.#ratchet(record);
    await this.#desk.ask('secret', { op: 'trust', ...this.shared.trust });
    for (const policy of record.policies) await this.#desk.ask('secret', policyFields(policy));
    await writeEnrolled(this.bench.fleet.dir, record, this.shared.keys.manifest.privateKey);
    this.shared.known.set(record.node, record);
    return record;
  }

  async #prove(): Promise<EnrolledNode> {
    const { fleet } = this.bench;
    const pins = await this.shared.pinned.lookup(this.node.id);
    const pinned = pins.keys.map(({ type, key }) => `${type} ${key}`);
    const before = this.shared.known.get(this.node.id);
    const base = {
      schema: 1 as const,
      fleet: fleet.id,
      node: this.node.id,
      enrolledAt: this.#now,
      lowered: before?.lowered ?? [],
    };
    try {
      const attested = await attestNode(this.#desk, { fleet: fleet.id, pcrs: this.options.pcrs, pinned });
      return await this.#tpmRecord(base, attested);
    } catch (error) {
      if (!(error instanceof NodeStop) || error.code !== 'NO_TPM' || !this.options.software) throw error;
    }
    const lines = await this.#desk.ask('secret', { op: 'software' });
    const recipient = String(lines.find((line) => line.t === 'software')?.['recipient'] ?? '');
    return { ...base, class: 'software', hostKeys: pinned, floor: 0, recipient, policies: [] };
  }

  async #tpmRecord(
    base: Pick<EnrolledNode, 'schema' | 'fleet' | 'node' | 'enrolledAt' | 'lowered'>,
    attested: Attested,
  ): Promise<EnrolledNode> {
    // prettier-ignore
    const proven = classOf(this.node.id, attested, {
      authorities: this.shared.authorities,
      pins: this.options.pins,
      approve: this.options.approve,
      now: this.bench.around.now(),
    });
    const ekHash = ekHashOf(attested.ek);
    this.#refuseTwice(ekHash);
    const pcrs = this.options.anyBoot ? new Map<number, Buffer>() : attested.pcrs;
    const { counterIndex } = attested;
    const policy = await approveBoot(this.node.id, { pcrs, counterIndex }, this.shared.keys, this.#now);
    const before = this.shared.known.get(this.node.id);
    return {
      ...base,
      class: proven.class,
      hostKeys: attested.hostKeys,
      // Of another TPM than before, the counter says nothing about what was sealed for that one.
      floor: before?.tpm?.ekHash === ekHash ? Math.max(before.floor, attested.counter) : attested.counter,
      tpm: {
        ekHash,
        ...(proven.maker === undefined ? {} : { maker: proven.maker }),
        ak: encodePublic(attested.ak).toString('base64'),
        srk: encodePublic(attested.srk).toString('base64'),
        counterIndex,
        pcrs: Object.fromEntries([...attested.pcrs].map(([index, value]) => [String(index), value.toString('hex')])),
        resetCount: attested.resetCount,
        firmwareVersion: String(attested.firmwareVersion),
      },
      policies: [policy],
    };
  }

  /** One TPM is one node: the other one is a copy, or was given away without saying so. */
  #refuseTwice(ekHash: string): void {
    const recorded = [...this.shared.known.values()].find(({ node, tpm }) => node !== this.node.id && tpm?.ekHash === ekHash); // prettier-ignore
    const first = recorded?.node ?? this.shared.claimed.get(ekHash) ?? this.node.id;
    this.shared.claimed.set(ekHash, first);
    if (first === this.node.id) return;
    throw new EdgectlError('TPM_ATTESTATION', {
      message: `The TPM of ${this.node.id} is enrolled as that of ${first} already.`,
      hint: `when the board was moved: delete enrolled/${first}.json, commit, and enroll again`,
    });
  }

  #ratchet(record: EnrolledNode): void {
    const before = this.shared.known.get(record.node);
    if (before === undefined || !isLower(record.class, before.class)) return;
    const { lower } = this.options;
    if (lower === undefined)
      throw new EdgectlError('NODE_CLASS', {
        message: `${record.node} was enrolled as ${before.class} and proves only ${record.class} now.`,
        hint: 'find out why; a lower class needs a reason, which is signed into its record: --lower-class REASON',
      });
    record.lowered = [...before.lowered, { from: before.class, reason: lower, at: this.#now }];
  }
}

/** A policy as the kit takes it. */
export function policyFields(policy: EnrolledNode['policies'][number]): Record<string, string> {
  const { digest, signature, pcrs } = policy;
  return { op: 'policy', digest, policy_signature: signature, pcrs: pcrs.join(',') };
}
