import { escapeForTerminal, oneLine } from '../util/escape.js';
import type { KitLine } from './types.js';

/** Bounds of an answer, bytes (node protocol, section 2). */
export const maxLine = 64 * 1024;
export const maxAnswer = 1024 * 1024;
const maxRequest = 256 * 1024;

const key = /^[a-z0-9_.]+$/u;
const code = /^[A-Z][A-Z0-9_]*$/u;

/** Percent-encode a value: every byte outside [A-Za-z0-9._~/:@,+ -] becomes %XX. */
export function encodeValue(value: string): string {
  if (/^[A-Za-z0-9._~/:@,+ -]*$/u.test(value)) return value;
  let encoded = '';
  for (const byte of Buffer.from(value, 'utf8')) {
    const character = String.fromCharCode(byte);
    encoded += /[A-Za-z0-9._~/:@,+ -]/u.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** A request as the kit reads it: `key=value` lines, then a line with a dot. Throws RangeError on a key or size that the protocol forbids. */
export function encodeRequest(fields: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(fields).map(([name, value]) => {
    if (!key.test(name)) throw new RangeError(`A request cannot have a key ${JSON.stringify(name)}.`);
    if (value.includes('\0')) throw new RangeError(`The request value ${name} holds a NUL character.`);
    return `${name}=${encodeValue(value)}\n`;
  });
  const request = Buffer.from(`${lines.join('')}.\n`, 'ascii');
  if (request.length > maxRequest) throw new RangeError('The request is larger than 256 KiB.');
  return request;
}

/** An answer as it was read: the kit's last word and the lines before it, or why it is not the protocol. */
export type ParsedAnswer =
  | { valid: true; ok: true; lines: KitLine[] }
  | { valid: true; ok: false; code: string; reason: string; lines: KitLine[] }
  | { valid: false; why: string };

/** Read an answer: JSON lines, each an object with a type `t`, the last one `end`. Strings in it are made safe to print; tabs and line breaks stay. */
export function parseAnswer(stdout: Buffer): ParsedAnswer {
  if (stdout.length > maxAnswer) return invalid('the answer is larger than 1 MiB');
  if (stdout.length === 0) return invalid('there was no answer');
  if (stdout.at(-1) !== 0x0a) return invalid('the answer was cut off');
  const lines: KitLine[] = [];
  let at = 0;
  while (at < stdout.length) {
    const end = stdout.indexOf(0x0a, at);
    if (end - at > maxLine) return invalid('a line is longer than 64 KiB');
    const raw = stdout.subarray(at, end).toString('utf8');
    const line = parseLine(raw);
    if (line === undefined) return invalid(`this is not a line of the protocol: ${oneLine(raw, 120)}`);
    at = end + 1;
    if (line.t !== 'end') lines.push(line);
    else if (at < stdout.length) return invalid('there was output after the end line');
    else return conclude(line, lines);
  }
  return invalid('the answer has no end line');
}

function parseLine(raw: string): KitLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(raw, (_key, inner: unknown) =>
      typeof inner === 'string' ? escapeForTerminal(inner, { keepNewlines: true }) : inner,
    );
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return typeof (value as { t?: unknown }).t === 'string' ? (value as KitLine) : undefined;
}

function conclude(end: KitLine, lines: KitLine[]): ParsedAnswer {
  if (end['ok'] === true) return { valid: true, ok: true, lines };
  const refusal = end['code'];
  if (end['ok'] !== false || typeof refusal !== 'string' || !code.test(refusal)) {
    return invalid('the end line says neither yes nor why not');
  }
  const reason = typeof end['reason'] === 'string' ? oneLine(end['reason']) : '';
  return { valid: true, ok: false, code: refusal, reason, lines };
}

function invalid(why: string): ParsedAnswer {
  return { valid: false, why };
}
