import type { PlanStage } from '../plan/types.js';

/** How many nodes may be worked on at once: begins small, grows with each full round of successes, halves at a failure. */
export class Ramp {
  readonly #stage: PlanStage;
  #limit: number;
  #streak = 0;

  constructor(stage: PlanStage) {
    this.#stage = stage;
    this.#limit = Math.max(1, Math.min(stage.ramp.start, stage.concurrency));
  }

  get limit(): number {
    return this.#limit;
  }

  succeeded(): void {
    this.#streak += 1;
    if (this.#streak < this.#limit) return;
    this.#streak = 0;
    this.#limit = Math.min(
      this.#stage.concurrency,
      Math.max(this.#limit, Math.ceil(this.#limit * this.#stage.ramp.factor)),
    );
  }

  failed(): void {
    this.#streak = 0;
    this.#limit = Math.max(1, Math.min(this.#stage.ramp.start, this.#limit), Math.floor(this.#limit / 2));
  }
}
