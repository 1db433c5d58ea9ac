import type { RawFacts } from './raw.js';

/** The kernel release, as `uname -r` says it. */
export function kernelFact(raw: RawFacts): string | undefined {
  return raw.get('kernel');
}
