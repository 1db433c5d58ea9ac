import { createHash, randomBytes } from 'node:crypto';
import { EdgectlError } from '../../errors/error.js';
import type { KitLine } from '../../node/types.js';
import { decodeAttest } from '../../seal/tpm/attest.js';
import { verifyStorageKey } from '../../seal/evidence/certify.js';
import { verifyQuote } from '../../seal/evidence/quote.js';
import { sameBytes } from '../../seal/evidence/signer.js';
import { credentialFile, makeCredential } from '../../seal/tpm/make-credential.js';
import { objectName, qualifiedName } from '../../seal/tpm/name.js';
import type { PublicArea } from '../../seal/tpm/public-area.js';
import { decodePublic } from '../../seal/tpm/public-area.js';
import type { NodeDesk } from './node-desk.js';

/** What a node's TPM has proven in this conversation. */
export interface Attested {
  ek: PublicArea;
  ak: PublicArea;
  srk: PublicArea;
  /** As it lay in NV memory. */
  ekCertificate: Buffer | undefined;
  pcrs: Map<number, Buffer>;
  /** `type base64` of the node's SSH host keys, as the TPM signed them along. */
  hostKeys: string[];
  counter: number;
  counterIndex: number;
  resetCount: number;
  firmwareVersion: bigint;
}

/** What is asked. */
export interface AttestRequest {
  fleet: string;
  /** PCRs of the SHA-256 bank. */
  pcrs: readonly number[];
  /** `type base64` of the host keys that are pinned for the node; one of them has to be among its own. */
  pinned: readonly string[];
}

/**
 * Has a node's TPM sign what it booted together with the node's name and host keys, and lets it prove that it holds the
 * endorsement key and the attestation key. Challenges are made here, used once and forgotten. Throws TPM_ATTESTATION, TPM_STRUCTURE, NodeStop.
 */
export async function attestNode(desk: NodeDesk, request: AttestRequest): Promise<Attested> {
  const challenge = randomBytes(32).toString('hex');
  const lines = await desk.ask('tpm', { op: 'evidence', challenge, pcrs: request.pcrs.join(',') });
  const attested = verifyEvidenceLines(lines, { ...request, challenge, node: desk.node.id });
  await proveEndorsement(desk, attested);
  return attested;
}

/** Verifies the answer to one challenge. Throws TPM_ATTESTATION, TPM_STRUCTURE. */
export function verifyEvidenceLines(
  lines: readonly KitLine[],
  request: AttestRequest & { challenge: string; node: string },
): Attested {
  const parts = new Map<string, Buffer>();
  for (const line of lines)
    if (line.t === 'evidence') parts.set(String(line['name']), Buffer.from(String(line['data']), 'base64'));
  const part = (name: string): Buffer => parts.get(name) ?? refuse(`${name} is missing`);
  const hostKeys = lines.filter((line) => line.t === 'hostkey').map((line) => String(line['key']));
  if (!request.pinned.some((key) => hostKeys.includes(key)))
    refuse('none of the host keys that are pinned for this node is one of its own: the answer comes from another node');
  const [ek, ak, srk] = ['ek', 'ak', 'srk'].map((name) => decodePublic(part(`${name}.public`))) as [PublicArea, PublicArea, PublicArea]; // prettier-ignore
  const pcrs = pcrValues(request.pcrs, part('pcrs'));
  const bound = ['edgectl-attest', request.challenge, request.fleet, request.node, ...hostKeys, ''].join('\n');
  const signer = { ak, qualifiedSigner: qualifiedName('owner', srk, ak) };
  const moment = verifyQuote({
    ...signer,
    message: part('quote.message'),
    signature: part('quote.signature'),
    nonce: createHash('sha256').update(bound).digest(),
    pcrs,
  });
  const certified = part('certify.message');
  // What tpm2_certify signs along cannot be chosen in all of its versions; that it is fresh follows from the quote by the same key.
  const nonce = decodeAttest(certified).extraData;
  verifyStorageKey({ ...signer, message: certified, signature: part('certify.signature'), nonce, storageKey: srk });
  const tpm = lines.find((line) => line.t === 'tpm');
  const [counter, counterIndex] = [Number(tpm?.['counter']), Number(tpm?.['index'])];
  if (!Number.isSafeInteger(counter) || counter < 1 || counterIndex >>> 24 !== 0x01) refuse('it tells no counter');
  const { resetCount } = moment.clock;
  const { firmwareVersion } = moment;
  const ekCertificate = parts.get('ek.certificate');
  return { ek, ak, srk, ekCertificate, pcrs, hostKeys, counter, counterIndex, resetCount, firmwareVersion };
}

/** Only the TPM with this endorsement key can answer, and only while it holds this attestation key. */
async function proveEndorsement(desk: NodeDesk, { ek, ak }: Attested): Promise<void> {
  const value = randomBytes(32);
  const credential = credentialFile(makeCredential(ek, objectName(ak), value)).toString('base64');
  const lines = await desk.ask('tpm', { op: 'activate', credential });
  const answer = Buffer.from(String(lines.find((line) => line.t === 'activated')?.['answer'] ?? ''), 'hex');
  if (!sameBytes(answer, value)) refuse('the TPM does not hold the endorsement key that it shows');
}

function pcrValues(indices: readonly number[], bytes: Buffer): Map<number, Buffer> {
  const sorted = [...new Set(indices)].sort((one, other) => one - other);
  if (bytes.length !== sorted.length * 32) refuse('it gives other PCRs than were asked for');
  return new Map(sorted.map((index, at) => [index, bytes.subarray(at * 32, at * 32 + 32)]));
}

function refuse(reason: string): never {
  throw new EdgectlError('TPM_ATTESTATION', { message: `The attestation is refused: ${reason}.` });
}
