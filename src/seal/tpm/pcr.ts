import { EdgectlError } from '../../errors/error.js';
import type { PcrBank } from './algorithms.js';
import { algorithmIds, digestSizes } from './algorithms.js';
import { u16, u32 } from './encode.js';
import type { TpmReader } from './reader.js';
import { hex } from './reader.js';

/** TPMS_PCR_SELECTION: some PCRs of one bank, in ascending order. */
export interface PcrSelection {
  bank: PcrBank;
  pcrs: number[];
}

/** Values of PCRs in the SHA-256 bank, by index. */
export type PcrValues = ReadonlyMap<number, Buffer>;

const banks = ['sha1', 'sha256', 'sha384', 'sha512'] as const;
const pcrCount = 24;

/** TPML_PCR_SELECTION (TPM 2.0 Library part 2, 10.9.7), at most one entry for each bank. */
export function decodePcrSelections(reader: TpmReader): PcrSelection[] {
  const count = reader.u32('the number of PCR banks');
  if (count > banks.length) reader.fail(`${count} PCR banks are selected`);
  const selections: PcrSelection[] = [];
  for (let index = 0; index < count; index += 1) {
    const selection = decodeSelection(reader);
    if (selections.some((other) => other.bank === selection.bank)) reader.fail(`bank ${selection.bank} comes twice`);
    selections.push(selection);
  }
  return selections;
}

function decodeSelection(reader: TpmReader): PcrSelection {
  const id = reader.u16('the PCR bank');
  const bank = banks.find((name) => algorithmIds[name] === id) ?? reader.fail(`there is no PCR bank ${hex(id)}`);
  const size = reader.u8('the size of a PCR bitmap');
  if (size !== pcrCount / 8) reader.fail(`the PCR bitmap is ${size} bytes long`);
  const bitmap = reader.bytes(size, 'a PCR bitmap').readUIntLE(0, size);
  const pcrs = Array.from({ length: pcrCount }, (_, index) => index).filter((index) => (bitmap >> index) & 1);
  return { bank, pcrs };
}

/** The counterpart of {@link decodePcrSelections}. */
export function encodePcrSelections(selections: readonly PcrSelection[]): Buffer {
  const entries = selections.map(({ bank, pcrs }) => {
    const bitmap = Buffer.alloc(pcrCount / 8);
    for (const index of pcrs) bitmap.writeUInt8(bitmap.readUInt8(index >> 3) | (1 << (index & 7)), index >> 3);
    return Buffer.concat([u16(algorithmIds[bank]), Buffer.from([bitmap.length]), bitmap]);
  });
  return Buffer.concat([u32(entries.length), ...entries]);
}

/** Checks indices of PCRs and puts them in order. Throws SEAL_POLICY_INVALID. */
export function pcrIndices(indices: Iterable<number>): number[] {
  const sorted = [...new Set(indices)].sort((one, other) => one - other);
  const wrong = sorted.find((index) => !Number.isInteger(index) || index < 0 || index >= pcrCount);
  if (sorted.length === 0 || wrong !== undefined) {
    throw new EdgectlError('SEAL_POLICY_INVALID', {
      message:
        wrong === undefined ? 'No PCR is named.' : `There is no PCR ${wrong}; they go from 0 to ${pcrCount - 1}.`,
    });
  }
  return sorted;
}

/** Reads a list such as `7,11`. Throws SEAL_POLICY_INVALID. */
export function parsePcrs(text: string): number[] {
  return pcrIndices(text.split(',').map((word) => (/^\d{1,2}$/.test(word.trim()) ? Number(word) : NaN)));
}

/** The values in the order of their indices, one after the other: what a TPM digests. Throws SEAL_POLICY_INVALID on a value that is no SHA-256 digest. */
export function concatenatedPcrs(values: PcrValues): Buffer {
  const ordered = pcrIndices(values.keys()).map((index) => values.get(index) ?? Buffer.alloc(0));
  if (ordered.some((value) => value.length !== digestSizes.sha256))
    throw new EdgectlError('SEAL_POLICY_INVALID', { message: 'A PCR value of the SHA-256 bank has 32 bytes.' });
  return Buffer.concat(ordered);
}

/** The PCRs that say nothing: all zeros, or all ones. Nobody measured anything into them, so sealing to them protects nothing. */
export function unmeasuredPcrs(values: PcrValues): number[] {
  const says = (value: Buffer): boolean => !value.every((byte) => byte === 0) && !value.every((byte) => byte === 0xff);
  return pcrIndices(values.keys()).filter((index) => !says(values.get(index) ?? Buffer.alloc(0)));
}
