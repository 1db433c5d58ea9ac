import type { Hash } from 'node:crypto';
import { hashFor } from './digest.js';

interface Mark {
  offset: number;
  hash: Hash;
}

const markBytes = 1024 * 1024;

/**
 * Hashes a stream that may be read again from an earlier point, as it is when a registry kept less of an upload than was sent.
 * A mark is left every MiB; a second reading begins at a mark and has to come to the same state at the next one, so that what was
 * sent from the first reading and what is hashed in the second are the same bytes.
 */
export class PrefixHash {
  #marks: Mark[];
  #current: Hash;
  #at = 0;

  constructor(private readonly digest: string) {
    this.#current = hashFor(digest);
    this.#marks = [{ offset: 0, hash: this.#current.copy() }];
  }

  /** Bytes that were hashed so far. */
  get at(): number {
    return this.#at;
  }

  /** Where to read from when everything before `offset` need not be read again; the hash continues there. */
  rewind(offset: number): number {
    this.#leaveMark();
    const mark = this.#marks.findLast((each) => each.offset <= offset) as Mark;
    this.#current = mark.hash.copy();
    this.#at = mark.offset;
    return mark.offset;
  }

  /** Takes the next bytes; false when a second reading is not what the first one was. */
  update(bytes: Buffer): boolean {
    for (let rest = bytes; rest.length > 0;) {
      const next = this.#marks.find((mark) => mark.offset > this.#at);
      const boundary = next?.offset ?? this.#at - (this.#at % markBytes) + markBytes;
      const part = rest.subarray(0, boundary - this.#at);
      rest = rest.subarray(part.length);
      this.#current.update(part);
      this.#at += part.length;
      if (this.#at !== boundary) continue;
      if (next === undefined) this.#leaveMark();
      else if (!same(next.hash, this.#current)) return false;
    }
    return true;
  }

  /** Do all the bytes together have the digest? */
  matches(): boolean {
    return this.digest.endsWith(`:${this.#current.copy().digest('hex')}`);
  }

  #leaveMark(): void {
    const last = this.#marks.at(-1);
    if (last === undefined || last.offset < this.#at)
      this.#marks.push({ offset: this.#at, hash: this.#current.copy() });
  }
}

function same(a: Hash, b: Hash): boolean {
  return a.copy().digest().equals(b.copy().digest());
}
