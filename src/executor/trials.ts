import { isTx } from '../actions/runtime/answers.js';
import type { KitAnswer } from '../node/types.js';

/** Which nodes have a transaction that reverts by itself when nobody confirms it, and when. */
export class OpenTrials {
  readonly #deadlines = new Map<string, number>();

  /** Reads an answer of a node; `now` and the deadlines are monotonic milliseconds. */
  hear(node: string, answer: KitAnswer, now: number, atMostMs: number): void {
    if (answer.kind !== 'ok' && answer.kind !== 'refused') return;
    for (const tx of answer.lines.filter(isTx)) {
      if (['COMMIT', 'ABORT', 'REVERTED', 'BROKEN'].includes(tx.state)) this.#deadlines.delete(node);
      else this.#deadlines.set(node, now + (typeof tx.deadline_left === 'number' ? tx.deadline_left * 1000 : atMostMs));
    }
  }

  /** A transaction may be open from the moment that it was asked for. */
  assume(node: string, deadline: number): void {
    if (!this.#deadlines.has(node)) this.#deadlines.set(node, deadline);
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /** One sentence for the person who leaves; empty when nothing is open. */
  sentence(now: number): string {
    if (this.#deadlines.size === 0) return '';
    const latest = Math.max(...this.#deadlines.values());
    const seconds = Math.max(0, Math.ceil((latest - now) / 1000));
    const names = [...this.#deadlines.keys()].sort().slice(0, 5).join(', ');
    return `${this.#deadlines.size} trial(s) revert by themselves within ${seconds} s unless the run is resumed before: ${names}`;
  }
}
