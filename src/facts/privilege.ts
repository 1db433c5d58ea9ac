import type { RawFacts } from './raw.js';

/** What the login may do: it is root, it may use sudo without a password, or neither. */
export type Privilege = 'root' | 'sudo' | 'none';

/** Read what the login may do. */
export function privilegeFact(raw: RawFacts): Privilege | undefined {
  const text = raw.get('privilege');
  return text === 'root' || text === 'sudo' || text === 'none' ? text : undefined;
}
