import { wholeNumber, type RawFacts } from './raw.js';

/** Bytes of memory that are available without swapping (proc(5), MemAvailable). */
export function memoryAvailableFact(raw: RawFacts): number | undefined {
  const available = wholeNumber(raw, 'mem.available_kib');
  return available === undefined ? undefined : available * 1024;
}
