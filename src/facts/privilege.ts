import type { RawFacts } from './raw.js';

/** What the login may do: it is root, it may use sudo without a password, or neither. */
export type Privilege = 'root' | 'sudo' | 'none';

/** Read what the login may do; a kit runs as root whoever called it. */
export function privilegeFact(raw: RawFacts): Privilege | undefined {
  const login = raw.get('privilege');
  if (login === 'root') return 'root';
  if (login === undefined) return undefined;
  return raw.get('sudo') === 'yes' ? 'sudo' : 'none';
}
