/** Lets one loop wait for any of many things without a promise for each. */
export class Wakeup {
  #resolve: (() => void) | undefined;
  #woken = false;

  /** Wakes the waiting loop, or lets its next wait pass at once. */
  wake(): void {
    this.#woken = true;
    this.#resolve?.();
  }

  /** Resolves at the next wake. */
  async wait(): Promise<void> {
    if (!this.#woken) await new Promise<void>((resolve) => (this.#resolve = resolve));
    this.#resolve = undefined;
    this.#woken = false;
  }
}
