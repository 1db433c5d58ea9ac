import type { RawFacts } from './raw.js';

/** The operating system, from os-release(5). */
export interface OsFact {
  /** `debian`, `ubuntu`, … */
  id: string;
  version: string;
  /** PRETTY_NAME. */
  name: string;
}

/** Read the operating system; undefined when the node has no os-release. */
export function osFact(raw: RawFacts): OsFact | undefined {
  const id = raw.get('os.id');
  if (id === undefined) return undefined;
  const version = raw.get('os.version') ?? '';
  return { id, version, name: raw.get('os.name') ?? `${id} ${version}`.trim() };
}
