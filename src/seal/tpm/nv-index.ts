import { EdgectlError } from '../../errors/error.js';
import { algorithmIds } from './algorithms.js';
import { sized, u16, u32 } from './encode.js';
import { nameOf } from './name.js';

/** Bits of TPMA_NV (TPM 2.0 Library part 2, 13.4). */
const nvAttributes = {
  ownerWrite: 1 << 1,
  authWrite: 1 << 2,
  /** TPM_NT_COUNTER in bits 4 to 7. */
  counter: 1 << 4,
  ownerRead: 1 << 17,
  authRead: 1 << 18,
  policyRead: 1 << 19,
  noDa: 1 << 25,
  written: 1 << 29,
} as const;

/** Name of one attribute of an NV index. */
export type NvAttribute = keyof typeof nvAttributes;

/** TPMS_NV_PUBLIC of an index whose name is made with SHA-256. */
export interface NvIndex {
  /** 0x01000000 to 0x01ffffff. */
  index: number;
  attributes: readonly NvAttribute[];
  authPolicy?: Buffer;
  dataSize: number;
}

/** The Name of an NV index: what PolicyNV binds to (part 1, 16; part 2, 13.5). It changes with the first write, which sets `written`. */
export function nvIndexName(nv: NvIndex): Buffer {
  if (!Number.isInteger(nv.index) || nv.index >>> 24 !== 0x01)
    throw new EdgectlError('SEAL_POLICY_INVALID', { message: `${nv.index} is no index of a TPM’s NV memory.` });
  const attributes = nv.attributes.reduce((all, name) => all | nvAttributes[name], 0);
  return nameOf(
    'sha256',
    Buffer.concat([
      u32(nv.index),
      u16(algorithmIds.sha256),
      u32(attributes >>> 0),
      sized(nv.authPolicy ?? Buffer.alloc(0)),
      u16(nv.dataSize),
    ]),
  );
}

/** The counter that holds the lowest generation still opened, after its first increment. It can only grow. */
export function generationCounter(index: number): NvIndex {
  const attributes = ['counter', 'ownerWrite', 'ownerRead', 'authRead', 'policyRead', 'noDa', 'written'] as const;
  return { index, attributes, dataSize: 8 };
}
