import type { Hop } from './model.js';
import { parseHop } from './model.js';
import { shellWords } from './shell-words.js';

/** What arguments of the ssh program say about the way to a node. */
export interface SshArguments {
  user?: string;
  port?: number;
  identity: string[];
  via?: readonly Hop[];
  /** Needs the ssh program itself; why. */
  openssh?: string;
  /** Not understood, in words. */
  unknown: string[];
  /** Words that are no options: the host, and a command. */
  rest: string[];
}

const withValue = new Set([...'BbcDEeFIiJLlmOopQRSWw']);
const openssh: ReadonlyMap<string, string> = new Map([
  ['certificatefile', 'a user certificate'],
  ['gssapiauthentication', 'GSSAPI'],
  ['pkcs11provider', 'a PKCS#11 token'],
  ['securitykeyprovider', 'a security key'],
]);

/** A list of jumps as ProxyJump and -J take it; a text when it is none. `none` is no jump. */
export function parseJumps(text: string): Hop[] | string {
  if (text.trim().toLowerCase() === 'none') return [];
  const hops = text.split(',').map((part) => parseHop(part));
  return hops.every((hop) => hop !== undefined) ? hops : `“${text}” is no list of [user@]host[:port]`;
}

/** Reads the arguments of an ssh command line. */
export function readSshArguments(words: readonly string[]): SshArguments {
  const found: SshArguments = { identity: [], unknown: [], rest: [] };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (!word.startsWith('-') || word === '-' || found.rest.length > 0) {
      found.rest.push(word);
      continue;
    }
    for (let index = 1; index < word.length; index++) {
      const letter = word[index] as string;
      if (!withValue.has(letter)) continue;
      const value = word.slice(index + 1) || words[++at];
      if (value === undefined) found.unknown.push(`-${letter} has no value`);
      else takeFlag(found, letter, value);
      break;
    }
  }
  return found;
}

function takeFlag(found: SshArguments, letter: string, value: string): void {
  if (letter === 'l') found.user ??= value;
  else if (letter === 'p') takeOption(found, 'port', value);
  else if (letter === 'i') found.identity.push(value);
  else if (letter === 'J') takeOption(found, 'proxyjump', value);
  else if (letter === 'F') found.unknown.push(`-F ${value}: import that file too, as --format ssh-config`);
  else if (letter === 'I') found.openssh ??= 'a PKCS#11 token';
  else if (letter === 'o') {
    const match = /^\s*([A-Za-z0-9]+)\s*(?:=\s*|\s)(.*)$/s.exec(value);
    if (match === null) found.unknown.push(`-o ${value}`);
    else takeOption(found, (match[1] ?? '').toLowerCase(), (match[2] ?? '').trim());
  }
}

function takeOption(found: SshArguments, key: string, written: string): void {
  const value = /^"(.*)"$/s.exec(written)?.[1] ?? written;
  if (key === 'user') found.user ??= value;
  else if (key === 'identityfile') found.identity.push(value);
  else if (key === 'port') {
    if (/^\d{1,5}$/.test(value)) found.port ??= Number(value);
    else found.unknown.push(`port “${value}”`);
  } else if (key === 'proxyjump') {
    const hops = parseJumps(value);
    if (typeof hops === 'string') found.unknown.push(hops);
    else found.via ??= hops;
  } else if (key === 'proxycommand') {
    const hops = hopsOfCommand(value);
    if (hops === undefined) found.openssh ??= `ProxyCommand ${value}`;
    else found.via ??= hops;
  } else if (openssh.has(key) && value.toLowerCase() !== 'no') found.openssh ??= openssh.get(key) ?? key;
}

/**
 * The hops of a ProxyCommand that is nothing but a jump: `ssh … -W %h:%p HOST`, or `ssh … HOST nc %h %p`. Undefined for
 * any other command.
 */
export function hopsOfCommand(line: string): Hop[] | undefined {
  if (line.trim().toLowerCase() === 'none') return [];
  const words = shellWords(line);
  if (typeof words === 'string') return undefined;
  const from = words[0] === 'exec' ? 1 : 0;
  if (!/^(?:\S*\/)?ssh$/.test(words[from] ?? '')) return undefined;
  const forwards =
    words.some((word, at) => /^-[A-Za-z]*W$/.test(word) && isTarget(words[at + 1] ?? '')) ||
    words.some((word) => /^-[A-Za-z]*W/.test(word) && isTarget(word.slice(word.indexOf('W') + 1)));
  // Options may stand behind the host too.
  const host = words.slice(from + 1);
  let found = readSshArguments(host);
  const [target, ...more] = found.rest;
  if (target === undefined) return undefined;
  let command = more;
  if (more[0]?.startsWith('-') === true) {
    found = readSshArguments([...host.slice(0, host.length - found.rest.length), ...more]);
    command = found.rest;
  }
  if (command.length > 0 ? !isNetcat(command) : !forwards) return undefined;
  const hop = parseHop(target);
  if (hop === undefined || found.unknown.length > 0 || found.openssh !== undefined) return undefined;
  const user = hop.user ?? found.user;
  const port = hop.port ?? found.port;
  return [
    ...(found.via ?? []),
    {
      ...hop,
      identity: found.identity,
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port }),
    },
  ];
}

function isTarget(word: string): boolean {
  return /^\[?%h\]?:%p$/.test(word);
}

function isNetcat(words: readonly string[]): boolean {
  const line = words.join(' ');
  return /^(?:exec )?(?:\S*\/)?(?:nc|ncat|netcat)(?: -\S+| \d+)* %h %p(?: 2>\s?\/dev\/null)?$/.test(line);
}
