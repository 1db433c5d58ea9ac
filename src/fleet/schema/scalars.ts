import { isIP } from 'node:net';
import { z } from 'zod';

/**
 * A schema for one scalar. The message of its issue is the thing that was expected; the loader adds where it stands
 * and what was found.
 */
export function scalar<T>(expected: string, parse: (text: string) => T | undefined) {
  return z.string({ error: expected }).transform((text, context): T => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a duration such as `90s`, `15m`, `1h30m`; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(\d+(ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g))
    total += Number(amount) * (unitMs[unit ?? ''] ?? 0);
  return Number.isSafeInteger(total) ? total : undefined;
}

/** The fraction of a percentage such as `5%` or `99.5 %`; undefined when it is none, or outside 0…100. */
export function parsePercent(text: string): number | undefined {
  const match = /^(\d{1,3}(?:\.\d+)?) ?%$/.exec(text);
  const value = match === null ? Number.NaN : Number(match[1]);
  return value >= 0 && value <= 100 ? value / 100 : undefined;
}

function parseInteger(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

const hostLabel = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/i;

/** True for an IPv4 or IPv6 address (also with a zone) or a host name (RFC 1123). */
export function isAddress(text: string): boolean {
  if (isIP(text) !== 0) return true;
  // Four dotted numbers that are no address are a typing error, though they would pass as a host name.
  if (/^[\d.]+$/.test(text) || text.length > 253) return false;
  return text
    .replace(/\.$/, '')
    .split('.')
    .every((label) => hostLabel.test(label));
}

const reserved = new Set(['and', 'or', 'not', 'in', 'all', 'offline', 'online', 'drifted']);

/** True for what may name a node, a site or a region: it must be safe in selectors, paths and the node protocol. */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text) && !reserved.has(text.toLowerCase());
}

const nameExpected = 'a name: letters, digits, “.”, “_”, “-”, at most 63, no word of the selector language';

export const name = scalar(nameExpected, (text) => (isName(text) ? text : undefined));
/** For the keys of maps, which zod does not transform. */
export const nameKey = z.string().refine(isName, { error: nameExpected });
export const text = (expected: string) => scalar(expected, (value) => (value === '' ? undefined : value));
export const address = scalar('a host name or an IP address', (value) => (isAddress(value) ? value : undefined));
export const port = scalar('a port from 1 to 65535', (value) => parseInteger(value, 1, 65_535));
export const boolean = scalar('true or false', (value) =>
  value === 'true' ? true : value === 'false' ? false : undefined,
);
export const count = (least: number, expected = `a whole number, ${least} or more`) =>
  scalar(expected, (value) => parseInteger(value, least, 1_000_000));
export const durationMs = scalar('a duration such as 90s, 15m or 2h', parseDuration);
export const durationSeconds = scalar('a duration of whole seconds such as 90s or 15m', (value) => {
  const ms = parseDuration(value);
  return ms !== undefined && ms % 1000 === 0 ? ms / 1000 : undefined;
});
export const percent = scalar('a percentage such as 90%', (value) =>
  parsePercent(value) === undefined ? undefined : value,
);
export const countOrPercent = scalar('a number or a percentage such as 3 or 5%', (value) =>
  parsePercent(value) !== undefined || parseInteger(value, 0, 1_000_000) !== undefined ? value : undefined,
);
export const fraction = scalar('a number from 0 to 1', (value) => {
  const number = /^(\d+(\.\d*)?|\.\d+)$/.test(value) ? Number(value) : Number.NaN;
  return number >= 0 && number <= 1 ? number : undefined;
});
/** A bundle digest, without its `sha256:`. */
export const sha256 = scalar('a sha256 digest: 64 hexadecimal digits', (value) => {
  const hex = value.replace(/^sha256:/, '');
  return /^[0-9a-f]{64}$/.test(hex) ? hex : undefined;
});
export const oneOf = <const T extends string>(...words: readonly T[]) =>
  scalar(`one of ${words.join(', ')}`, (value) => words.find((word) => word === value));

/** A map that may be left empty (`labels:` with nothing after it). */
export const mapOf = <K extends z.ZodType<string, string>, V extends z.ZodType>(key: K, value: V, expected: string) =>
  z.preprocess((input) => (input === '' ? {} : input), z.record(key, value, { error: expected }));

/** Labels: keys like names, values any text. */
export const labels = mapOf(
  z.string().refine((key) => /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/.test(key), {
    error: 'a label key: letters, digits, “.”, “_”, “/”, “-”, at most 63',
  }),
  z.string({ error: 'text' }),
  'a map of labels',
);
