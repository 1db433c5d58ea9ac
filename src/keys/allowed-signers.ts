import { EdgectlError } from '../errors/error.js';
import type { PublicKey } from './public-key.js';
import { parsePublicKey } from './public-key.js';

/** A line of an allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS). */
export interface AllowedSigner {
  principals: string[];
  /** Empty: any namespace. */
  namespaces: string[];
  /** Other options, as written. */
  options: string[];
  key: PublicKey;
}

/** Reads an allowed_signers file. Throws CONFIG_INVALID that names the line. */
export function parseAllowedSigners(text: string, file: string): AllowedSigner[] {
  const signers: AllowedSigner[] = [];
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const signer = parseLine(line, `${file}:${index + 1}`);
    if (signer === undefined) {
      throw new EdgectlError('CONFIG_INVALID', {
        message: `${file}:${index + 1}: expected: PRINCIPALS [OPTIONS] KEYTYPE KEY`,
      });
    }
    signers.push(signer);
  });
  return signers;
}

function parseLine(line: string, label: string): AllowedSigner | undefined {
  const match = /^(\S+)\s+(.*)$/.exec(line);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const words = match[2].match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  const at = words.findIndex((word) => /^(ssh-|ecdsa-|sk-)/.test(word));
  if (at < 0) return undefined;
  const options = words.slice(0, at).flatMap((word) => word.match(/(?:[^,"]|"[^"]*")+/g) ?? []);
  const listed = options.find((option) => option.toLowerCase().startsWith('namespaces='));
  try {
    return {
      principals: match[1].replaceAll('"', '').split(','),
      namespaces: listed === undefined ? [] : listed.slice('namespaces='.length).replaceAll('"', '').split(','),
      options: options.filter((option) => option !== listed),
      key: parsePublicKey(words.slice(at).join(' '), label),
    };
  } catch {
    return undefined;
  }
}

/** One line of an allowed_signers file. */
export function formatAllowedSigner(principal: string, namespaces: readonly string[], key: PublicKey): string {
  return `${principal} namespaces="${namespaces.join(',')}" ${key.type} ${key.blob}${key.comment === '' ? '' : ` ${key.comment}`}\n`;
}

/** Checks a principal's name. Throws USAGE: spaces, commas, wildcards and quotes mean something else in that file. */
export function checkPrincipal(principal: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$/.test(principal)) return principal;
  throw new EdgectlError('USAGE', {
    message: `${JSON.stringify(principal)} cannot be a principal: letters, digits and . _ @ + - only.`,
  });
}
