import type { RunClock } from '../../src/executor/clock.js';

interface Sleeper {
  at: number;
  wake: () => void;
}

/** Time that stands still until everybody sleeps, and then jumps to the next who wants to be woken. No test waits for real time. */
export class FakeClock implements RunClock {
  readonly #start: number;
  readonly #busy: () => boolean;
  #elapsed = 0;
  #sleepers: Sleeper[] = [];
  #running = true;

  /** `busy` is true while real work (a database, a file) is on its way. */
  constructor(start: number, busy: () => boolean = () => false) {
    this.#start = start;
    this.#busy = busy;
    void this.#loop();
  }

  now(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const sleeper = { at: this.#elapsed + Math.max(0, ms), wake: done };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Ends the loop; whoever sleeps sleeps for ever, as in a process that is gone. */
  stop(): void {
    this.#running = false;
  }

  async #loop(): Promise<void> {
    let quiet = 0;
    while (this.#running) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#busy() ? 0 : quiet + 1;
      // A few turns of the event loop without real work: every continuation has run.
      if (quiet >= 4 && this.#sleepers.length > 0) {
        quiet = 0;
        this.#advance();
      }
    }
  }

  #advance(): void {
    const next = Math.min(...this.#sleepers.map((sleeper) => sleeper.at));
    this.#elapsed = Math.max(this.#elapsed, next);
    const due = this.#sleepers.filter((sleeper) => sleeper.at <= this.#elapsed);
    for (const sleeper of due) sleeper.wake();
  }
}
