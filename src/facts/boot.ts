import { wholeNumber, type RawFacts } from './raw.js';

/** Which boot this is and how long it has lasted. */
export interface BootFact {
  id: string;
  /** Seconds. */
  upS: number | undefined;
}

/** Read the boot. */
export function bootFact(raw: RawFacts): BootFact | undefined {
  const id = raw.get('boot');
  return id === undefined ? undefined : { id, upS: wholeNumber(raw, 'up') };
}
