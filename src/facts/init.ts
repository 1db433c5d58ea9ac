import { wholeNumber, type RawFacts } from './raw.js';

/** Process 1. */
export interface InitFact {
  /** `systemd`, `sandbox`, or `unknown`. */
  kind: string;
  /** systemd's major version. */
  version: number | undefined;
}

/** Read which init runs the node. */
export function initFact(raw: RawFacts): InitFact | undefined {
  const kind = raw.get('init');
  const version = wholeNumber(raw, 'init.version');
  return kind === undefined ? undefined : { kind, version: version === 0 ? undefined : version };
}
