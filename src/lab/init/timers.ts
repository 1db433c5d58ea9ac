/** Named one-shot timers on the monotonic clock. */
export class Timers {
  readonly #armed = new Map<string, NodeJS.Timeout>();

  /** Arm or re-arm. */
  arm(name: string, ms: number, fire: () => void): void {
    this.disarm(name);
    this.#armed.set(
      name,
      setTimeout(() => {
        this.#armed.delete(name);
        fire();
      }, ms),
    );
  }

  /** Disarm; nothing when it is not armed. */
  disarm(name: string): void {
    clearTimeout(this.#armed.get(name));
    this.#armed.delete(name);
  }

  /** Disarm all. */
  clear(): void {
    for (const name of [...this.#armed.keys()]) this.disarm(name);
  }

  /** Names of the armed ones. */
  names(): string[] {
    return [...this.#armed.keys()];
  }
}
