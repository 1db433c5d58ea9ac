import { wholeNumber, type RawFacts } from './raw.js';

/** The file system that holds the store. */
export interface DiskFact {
  freeBytes: number;
  readOnly: boolean;
}

/** Read free space and whether it can be written. */
export function diskFact(raw: RawFacts): DiskFact | undefined {
  const free = wholeNumber(raw, 'disk.free_kib');
  return free === undefined ? undefined : { freeBytes: free * 1024, readOnly: raw.get('disk.read_only') === '1' };
}
