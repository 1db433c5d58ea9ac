import type { RawFacts } from './raw.js';

const debianNames: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  arm64: 'arm64',
  armv6l: 'arm',
  armv7l: 'arm',
  armv8l: 'arm',
  riscv64: 'riscv64',
};

/** The architecture by the name that bundles use (`amd64`, `arm64`, `arm`, `riscv64`), else as `uname -m` says it. */
export function archFact(raw: RawFacts): string | undefined {
  const machine = raw.get('arch');
  return machine === undefined ? undefined : (debianNames[machine] ?? machine);
}
