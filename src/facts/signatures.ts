import type { RawFacts } from './raw.js';

/** Can the node verify signatures (ssh-keygen with -Y verify, OpenSSH 8.2 or later)? A node that cannot is never prepared. */
export function verifiesFact(raw: RawFacts): boolean | undefined {
  const text = raw.get('verify');
  return text === undefined ? undefined : text === 'yes';
}
