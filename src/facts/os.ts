import type { RawFacts } from './raw.js';

/** The operating system, from os-release(5). */
export interface OsFact {
  /** `debian`, `ubuntu`, … */
  id: string;
  /** Empty on rolling releases. */
  version: string;
}

/** Read the operating system; undefined when the node has no os-release. */
export function osFact(raw: RawFacts): OsFact | undefined {
  const id = raw.get('os');
  return id === undefined || id === 'unknown' ? undefined : { id, version: raw.get('os.version') ?? '' };
}
