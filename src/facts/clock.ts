import { wholeNumber, type RawFacts } from './raw.js';

/** How far the node's clock is ahead of ours, in whole seconds (negative: behind); good to about the round trip. `now` in milliseconds. */
export function clockSkewFact(raw: RawFacts, now: number): number | undefined {
  const theirs = wholeNumber(raw, 'clock.now');
  return theirs === undefined ? undefined : theirs - Math.round(now / 1000);
}
