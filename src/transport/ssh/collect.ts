/** Keeps the first `max` bytes of a stream and tells when there were more. */
export class Collector {
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(private readonly max: number) {}

  /** Take a chunk; false when it went over the bound and the rest was thrown away. */
  push(chunk: Buffer): boolean {
    const room = this.max - this.#size;
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk;
    if (kept.length > 0) this.#chunks.push(kept);
    this.#size += kept.length;
    return chunk.length <= room;
  }

  /** What was kept. */
  bytes(): Buffer {
    return Buffer.concat(this.#chunks, this.#size);
  }
}
