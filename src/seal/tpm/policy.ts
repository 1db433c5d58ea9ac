import { createHash } from 'node:crypto';
import { EdgectlError } from '../../errors/error.js';
import { digestSizes } from './algorithms.js';
import { u16, u32, u64 } from './encode.js';
import type { PcrValues } from './pcr.js';
import { concatenatedPcrs, encodePcrSelections, pcrIndices, unmeasuredPcrs } from './pcr.js';

/** Command codes that enter a policy digest (TPM 2.0 Library part 2, 6.5.2). */
const commandCodes = { policyNv: 0x149, policyAuthorize: 0x16a, policyCounterTimer: 0x16d, policyPcr: 0x17f } as const;
/** TPM_EO: comparisons of unsigned numbers, big endian (part 2, 6.10). The TPM's value stands on the left. */
const operations = { unsignedLt: 0x0005, unsignedLe: 0x0009 } as const;
/** Where the clock stands in TPMS_TIME_INFO (part 2, 10.11.1). */
const clockOffset = 8;
const empty = Buffer.alloc(digestSizes.sha256);
const maxU64 = (1n << 64n) - 1n;

/** What has to hold for a sealed object to open; everything that is given. */
export interface SealConditions {
  /** PCRs of the SHA-256 bank have these values. */
  pcrs?: PcrValues;
  /** The NV counter with this name is at most `generation`. */
  counter?: { nvName: Buffer; generation: bigint };
  /** The TPM's clock, in milliseconds, is below this. */
  clockBelow?: bigint;
}

/** The policy digest of some conditions, in the order in which a node has to assert them: PCRs, counter, clock. Throws SEAL_POLICY_INVALID. */
export function policyDigest(conditions: SealConditions): Buffer {
  const { pcrs, counter, clockBelow } = conditions;
  let digest: Buffer = empty;
  if (pcrs !== undefined) digest = policyPcr(digest, pcrs);
  if (counter !== undefined) digest = policyNv(digest, counter.nvName, counter.generation);
  if (clockBelow !== undefined) digest = policyClock(digest, clockBelow);
  return digest;
}

/** PolicyPCR (part 3, 23.7). Refuses PCRs into which nothing was measured: they would protect nothing. */
function policyPcr(before: Buffer, values: PcrValues): Buffer {
  const silent = unmeasuredPcrs(values);
  if (silent.length > 0) {
    throw new EdgectlError('SEAL_POLICY_INVALID', {
      message: `Nothing was measured into PCR ${silent.join(', ')}: all zeros or all ones protect nothing.`,
      hint: 'choose PCRs that the firmware or the boot loader of these nodes extends',
    });
  }
  const selection = encodePcrSelections([{ bank: 'sha256', pcrs: pcrIndices(values.keys()) }]);
  return extend(before, commandCodes.policyPcr, selection, sha256(concatenatedPcrs(values)));
}

/** PolicyNV (part 3, 23.9) upon another policy: the counter at this name is at most `generation`. Throws SEAL_POLICY_INVALID. */
export function policyNv(before: Buffer, nvName: Buffer, generation: bigint): Buffer {
  const operands = sha256(Buffer.concat([u64(unsigned(generation)), u16(0), u16(operations.unsignedLe)]));
  return extend(before, commandCodes.policyNv, operands, nvName);
}

/** PolicyCounterTimer (part 3, 23.10) on the clock. */
function policyClock(before: Buffer, below: bigint): Buffer {
  const operands = sha256(Buffer.concat([u64(unsigned(below)), u16(clockOffset), u16(operations.unsignedLt)]));
  return extend(before, commandCodes.policyCounterTimer, operands);
}

/** The policy digest of "whatever the holder of this key signed, for this reference": PolicyAuthorize (part 3, 23.16). */
export function policyAuthorize(keyName: Uint8Array, reference: Uint8Array): Buffer {
  const named = extend(empty, commandCodes.policyAuthorize, keyName);
  return sha256(Buffer.concat([named, reference]));
}

function extend(before: Buffer, command: number, ...args: readonly Uint8Array[]): Buffer {
  return sha256(Buffer.concat([before, u32(command), ...args]));
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function unsigned(value: bigint): bigint {
  if (value >= 0n && value <= maxU64) return value;
  throw new EdgectlError('SEAL_POLICY_INVALID', {
    message: `${value} does not fit into the eight bytes of a counter.`,
  });
}
