import { createHmac } from 'node:crypto';
import { keyTypeOf } from '../fingerprint.js';

/** One key line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export interface KnownHost {
  marker: 'revoked' | 'cert-authority' | undefined;
  /** The names field: a comma list of patterns, or one hashed name. */
  names: string;
  type: string;
  /** Base64 of the key blob. */
  key: string;
  comment: string;
}

/** A line as it stands in the file, with its key when it has a readable one. */
export interface KnownHostsLine {
  text: string;
  host: KnownHost | undefined;
}

const line = /^[ \t]*(?:@(\S+)[ \t]+)?(\S+)[ \t]+(\S+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*))?$/u;

/** Parse a known_hosts file. Comments, blank and damaged lines are kept as text, so that writing it back loses nothing. */
export function parseKnownHosts(text: string): KnownHostsLine[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((raw) => ({ text: raw, host: parseLine(raw.replace(/\r$/u, '')) }));
}

function parseLine(text: string): KnownHost | undefined {
  if (/^[ \t]*(#|$)/u.test(text)) return undefined;
  const match = line.exec(text);
  if (match === null) return undefined;
  const [, marker, names = '', type = '', key = '', comment = ''] = match;
  if (marker !== undefined && marker !== 'revoked' && marker !== 'cert-authority') return undefined;
  if (keyTypeOf(Buffer.from(key, 'base64')) !== type) return undefined;
  return { marker, names, type, key, comment };
}

/** Does a names field match a name? Comma lists with `*`, `?` and `!`, or a hashed name (`|1|salt|HMAC-SHA1`). */
export function namesMatch(names: string, name: string): boolean {
  if (names.startsWith('|')) return hashedNameMatches(names, name);
  let found = false;
  for (const pattern of names.split(',')) {
    const negated = pattern.startsWith('!');
    if (!patternMatches(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

function hashedNameMatches(hashed: string, name: string): boolean {
  const [, version, salt, hash] = hashed.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

function patternMatches(pattern: string, name: string): boolean {
  if (!/[*?]/u.test(pattern)) return pattern.toLowerCase() === name.toLowerCase();
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/gu, '\\$&')
    .replaceAll(/\*+/gu, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'iu').test(name);
}
