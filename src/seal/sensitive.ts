import { inspect } from 'node:util';
import { EdgectlError } from '../errors/error.js';

const shown = '[sensitive]';

/**
 * A value that must not be seen: it prints as `[sensitive]` wherever it is written, logged, inspected, spread or serialised.
 * Only `reveal()` gives it, so every use can be found by that word.
 */
export class Sensitive<T> {
  #value: T | undefined;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. Throws INTERNAL after `destroy()`. */
  reveal(): T {
    if (this.#value !== undefined) return this.#value;
    throw new EdgectlError('INTERNAL', { message: 'A secret was used after it had been wiped.' });
  }

  /** Forgets the value; bytes are overwritten first. Strings cannot be, so secrets are kept as bytes. */
  destroy(): void {
    if (this.#value instanceof Uint8Array) this.#value.fill(0);
    this.#value = undefined;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [Symbol.toPrimitive](): string {
    return shown;
  }

  [inspect.custom](): string {
    return shown;
  }
}
