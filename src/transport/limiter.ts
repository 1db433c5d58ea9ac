/** Gives out a bounded number of slots, first come first served. */
export class Limiter {
  readonly #waiting: (() => void)[] = [];
  #used = 0;
  #limit: number;

  /** `load` tells how busy this process is, 0..1: below 0.7 the limit grows towards `max`, above 0.9 it shrinks towards `min`. */
  constructor(
    private readonly bounds: { min: number; max: number },
    private readonly load: () => number = () => 1,
  ) {
    this.#limit = bounds.min;
  }

  /** Slots in use. */
  get used(): number {
    return this.#used;
  }

  /** Slots that may be in use now. */
  get limit(): number {
    return this.#limit;
  }

  /** How many wait for a slot. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Wait for a slot; resolves to its release function (idempotent), or undefined when the signal fires first. */
  acquire(signal?: AbortSignal): Promise<(() => void) | undefined> {
    if (signal?.aborted === true) return Promise.resolve(undefined);
    if (this.#used < this.#limit) return Promise.resolve(this.#take());
    return new Promise((resolve) => {
      const grant = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve(this.#take());
      };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(grant), 1);
        resolve(undefined);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(grant);
    });
  }

  #take(): () => void {
    this.#used += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#used -= 1;
      this.#adapt();
      while (this.#used < this.#limit) {
        const next = this.#waiting.shift();
        if (next === undefined) break;
        next();
      }
    };
  }

  #adapt(): void {
    const load = this.load();
    if (load > 0.9) this.#limit = Math.max(this.bounds.min, Math.floor(this.#limit * 0.9));
    else if (load < 0.7 && this.#waiting.length > 0) this.#limit = Math.min(this.bounds.max, this.#limit + 4);
  }
}
