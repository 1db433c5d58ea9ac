/** Writes whole numbers from 0 to 2^53 - 1, seven bits a byte, the lowest first (LEB128). */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(start: Uint8Array = new Uint8Array(0), room = 64) {
    this.#bytes = new Uint8Array(start.length + room);
    this.#bytes.set(start);
    this.#length = start.length;
  }

  get length(): number {
    return this.#length;
  }

  put(value: number): this {
    let rest = value;
    if (this.#length + 8 > this.#bytes.length) this.#grow();
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** Any sign. */
  putSigned(value: number): this {
    return this.put(value < 0 ? -value * 2 - 1 : value * 2);
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(): void {
    const bigger = new Uint8Array(this.#bytes.length * 2 + 64);
    bigger.set(this.#bytes);
    this.#bytes = bigger;
  }
}

/** Reads what {@link ByteWriter} wrote. */
export class ByteReader {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get more(): boolean {
    return this.at < this.bytes.length;
  }

  take(): number {
    let byte = this.bytes[this.at++] ?? 0;
    let value = byte & 0x7f;
    let unit = 0x80;
    while (byte >= 0x80) {
      byte = this.bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * unit;
      unit *= 0x80;
    }
    return value;
  }

  takeSigned(): number {
    const value = this.take();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
