import { wholeNumber, type RawFacts } from './raw.js';

/** Memory, bytes (proc(5), meminfo). */
export interface MemoryFact {
  totalBytes: number;
  availableBytes: number | undefined;
}

/** Read how much memory there is. */
export function memoryFact(raw: RawFacts): MemoryFact | undefined {
  const total = wholeNumber(raw, 'memory.total_kib');
  if (total === undefined) return undefined;
  const available = wholeNumber(raw, 'memory.available_kib');
  return { totalBytes: total * 1024, availableBytes: available === undefined ? undefined : available * 1024 };
}
