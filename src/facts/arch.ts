import type { RawFacts } from './raw.js';

/** The architecture by the name that bundles use (`amd64`, `arm64`, `arm`, `riscv64`), else as `uname -m` says it. */
export function archFact(raw: RawFacts): string | undefined {
  return raw.get('arch');
}
