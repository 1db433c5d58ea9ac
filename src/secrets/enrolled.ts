import type { KeyObject } from 'node:crypto';
import { sign, verify } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { EdgectlError } from '../errors/error.js';
import { oneLine } from '../util/escape.js';
import { canonicalJson } from '../plan/canonical.js';

/** How much is known of a node's TPM, weakest first. */
export const nodeClasses = ['software', 'tpm-tofu', 'tpm', 'tpm-pinned'] as const;
/** `tpm-pinned`: exactly the expected TPM. `tpm`: a genuine one. `tpm-tofu`: one that a person approved. `software`: a key in a file. */
export type NodeClass = (typeof nodeClasses)[number];

const base64 = z.string().regex(/^[A-Za-z0-9+/]+=*$/);
const hex = z.string().regex(/^[0-9a-f]+$/);
const tpmPart = z.strictObject({
  /** SHA-256 of the endorsement key's SubjectPublicKeyInfo. */
  ekHash: hex.length(64),
  /** Subject of the pinned maker, when a certificate was verified. */
  maker: z.string().optional(),
  /** TPM2B_PUBLIC. */
  ak: base64,
  srk: base64,
  counterIndex: z.number().int(),
  /** Values of the SHA-256 bank that were quoted, by index. */
  pcrs: z.record(z.string().regex(/^\d+$/), hex.length(64)),
  resetCount: z.number().int(),
  firmwareVersion: z.string(),
});
const approvedSchema = z.strictObject({
  /** PCRs that have to be as they were quoted; empty for any boot. */
  pcrs: z.array(z.number().int()),
  digest: base64,
  signature: base64,
  at: z.string(),
});
const loweredSchema = z.strictObject({ from: z.enum(nodeClasses), reason: z.string(), at: z.string() });
const recordSchema = z.strictObject({
  schema: z.literal(1),
  fleet: z.string(),
  node: z.string(),
  class: z.enum(nodeClasses),
  enrolledAt: z.string(),
  hostKeys: z.array(z.string()),
  /** Highest counter value that something was sealed for, or that the node told. */
  floor: z.number().int().nonnegative(),
  tpm: tpmPart.optional(),
  /** age recipient of a node without a TPM. */
  recipient: z.string().optional(),
  policies: z.array(approvedSchema),
  /** Why its class was lowered, if it ever was: covered by the signature like all of it. */
  lowered: z.array(loweredSchema),
});

/** What the repository keeps of an enrolled node: public data, signed with the manifest key. */
export type EnrolledNode = z.infer<typeof recordSchema>;
/** A policy that was approved for a node. */
export type RecordedPolicy = z.infer<typeof approvedSchema>;

function dirOf(fleetDir: string): string {
  return path.join(fleetDir, 'enrolled');
}

/** Path of a node's record. */
export function enrolledFile(fleetDir: string, node: string): string {
  return path.join(dirOf(fleetDir), `${node}.json`);
}

/** Reads a node's record and verifies its signature; undefined when there is none. Throws CONFIG_INVALID, MANIFEST_SIGNATURE. */
export async function readEnrolled(
  fleet: { dir: string; id: string },
  node: string,
  manifestKey: KeyObject,
): Promise<EnrolledNode | undefined> {
  const file = enrolledFile(fleet.dir, node);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const { record, signature } = parseFile(file, text);
  const genuine = verify(null, signedBytes(record), manifestKey, Buffer.from(signature, 'base64'));
  if (!genuine || record.node !== node || record.fleet !== fleet.id)
    throw new EdgectlError('MANIFEST_SIGNATURE', {
      message: `${file} is not signed by the fleet's manifest key for this node: it was changed by somebody else.`,
    });
  return record;
}

/** All records, by node. Throws CONFIG_INVALID, MANIFEST_SIGNATURE. */
export async function readAllEnrolled(
  fleet: { dir: string; id: string },
  manifestKey: KeyObject,
): Promise<Map<string, EnrolledNode>> {
  const names = await readdir(dirOf(fleet.dir)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const records = new Map<string, EnrolledNode>();
  for (const name of names.filter((one) => one.endsWith('.json')).sort()) {
    const node = name.slice(0, -5);
    const record = await readEnrolled(fleet, node, manifestKey);
    if (record !== undefined) records.set(node, record);
  }
  return records;
}

/** Signs and writes a record. */
export async function writeEnrolled(fleetDir: string, record: EnrolledNode, manifestKey: KeyObject): Promise<void> {
  const signature = sign(null, signedBytes(record), manifestKey).toString('base64');
  await mkdir(dirOf(fleetDir), { recursive: true });
  await writeFileAtomic(enrolledFile(fleetDir, record.node), `${JSON.stringify({ record, signature }, null, 2)}\n`);
}

/** True when `now` proves less than `before`. */
export function isLower(now: NodeClass, before: NodeClass): boolean {
  return nodeClasses.indexOf(now) < nodeClasses.indexOf(before);
}

function signedBytes(record: EnrolledNode): Buffer {
  // The first line keeps it apart from everything else that this key signs.
  return Buffer.from(`edgectl-enrolled\n${canonicalJson(record)}`, 'utf8');
}

function parseFile(file: string, text: string): { record: EnrolledNode; signature: string } {
  try {
    return z.strictObject({ record: recordSchema, signature: base64 }).parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? oneLine(z.prettifyError(cause)) : 'it is not JSON';
    throw new EdgectlError('CONFIG_INVALID', { message: `${file} cannot be read: ${why}`, cause });
  }
}
