import { EdgectlError } from '../../errors/error.js';
import type { HashName } from './algorithms.js';
import { hashOfId } from './algorithms.js';

/** Reads big-endian TPM structures from bytes that nobody vouches for. Every method throws TPM_STRUCTURE, and nothing else. */
export class TpmReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(
    bytes: Uint8Array,
    private readonly what: string,
  ) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(field: string): number {
    return this.#take(1, field).readUInt8();
  }

  u16(field: string): number {
    return this.#take(2, field).readUInt16BE();
  }

  u32(field: string): number {
    return this.#take(4, field).readUInt32BE();
  }

  u64(field: string): bigint {
    return this.#take(8, field).readBigUInt64BE();
  }

  /** A copy of the next bytes: what was read does not change when the input does. */
  bytes(size: number, field: string): Buffer {
    return Buffer.from(this.#take(size, field));
  }

  /** A TPM2B: two bytes of size, then that many bytes, at most `max`. */
  sized(max: number, field: string): Buffer {
    const size = this.u16(field);
    if (size > max) this.fail(`${field} is ${size} bytes long, more than ${max}`);
    return this.bytes(size, field);
  }

  /** An identifier of a hash that may protect something. */
  hash(field: string): HashName {
    const id = this.u16(field);
    return hashOfId(id) ?? this.fail(`${field} is not SHA-256, SHA-384 or SHA-512 but algorithm ${hex(id)}`);
  }

  /** TPMI_YES_NO. */
  yesNo(field: string): boolean {
    const value = this.u8(field);
    if (value > 1) this.fail(`${field} is neither yes nor no`);
    return value === 1;
  }

  fail(why: string): never {
    throw new EdgectlError('TPM_STRUCTURE', { message: `This is not a ${this.what}: ${why} (near byte ${this.#at}).` });
  }

  #take(size: number, field: string): Buffer {
    if (this.left < size) this.fail(`it ends in the middle of ${field}`);
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }
}

/** Reads a structure that is all of `bytes`. Throws TPM_STRUCTURE, also when something follows it. */
export function decodeWhole<T>(bytes: Uint8Array, what: string, read: (reader: TpmReader) => T): T {
  const reader = new TpmReader(bytes, what);
  const value = read(reader);
  if (reader.left > 0) reader.fail(`${reader.left} bytes follow its end`);
  return value;
}

/** A number as it stands in the specification. */
export function hex(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`;
}
