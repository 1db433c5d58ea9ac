import { wholeNumber, type RawFacts } from './raw.js';

/** Free bytes on the file system that holds the store. */
export function diskFreeFact(raw: RawFacts): number | undefined {
  const free = wholeNumber(raw, 'disk.free_kib');
  return free === undefined ? undefined : free * 1024;
}
