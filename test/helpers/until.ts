import { inspect } from 'node:util';

/** How long to go on looking, and how often. */
export interface Patience<T> {
  /** Milliseconds; a minute when absent, because a loaded machine is slow and a condition that holds costs nothing. */
  within?: number;
  /** Milliseconds between two looks; 50 when absent. */
  every?: number;
  /** Says which value was waited for; a truthy one when absent. */
  good?: (seen: T) => boolean;
}

/**
 * Looks again and again until it sees what is waited for, and answers that. Bounded by time, never by a count of looks: how long one takes
 * differs between machines. Rejects with what was waited for and the last value seen; what `see` throws ends the waiting at once.
 */
export async function until<T>(what: string, see: () => Promise<T> | T, patience: Patience<T> = {}): Promise<T> {
  const { within = 60_000, every = 50, good = Boolean } = patience;
  const end = performance.now() + within;
  for (;;) {
    // Asked for before the look, so that the last look always begins after the end: a stalled process gets one more.
    const last = performance.now() >= end;
    const seen = await see();
    if (good(seen)) return seen;
    if (last) throw new Error(`waited ${within / 1000} s in vain: ${what}; last seen: ${inspect(seen, { depth: 4 })}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
