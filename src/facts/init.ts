import { wholeNumber, type RawFacts } from './raw.js';

/** Process 1. */
export interface InitFact {
  /** `systemd`, `sandbox`, or another program's name. */
  kind: string;
  /** systemd's major version. */
  version: number | undefined;
}

/** Read which init runs the node. */
export function initFact(raw: RawFacts): InitFact | undefined {
  const kind = raw.get('init');
  return kind === undefined ? undefined : { kind, version: wholeNumber(raw, 'init.version') };
}
