import type { Attribute } from './types.js';

/** Longest value, characters. */
export const maxValue = 4096;

/**
 * A value as it is kept, made from what a node said: nodes are not trusted, and what is not of the attribute's kind is
 * undefined. Equal values become equal text.
 */
export function canonicalValue(attribute: Attribute, text: string): string | undefined {
  if (text.length > maxValue) return undefined;
  const value = text.replaceAll(/\s+/gu, ' ').trim();
  if (attribute.words?.includes(value) === true) return value;
  switch (attribute.kind) {
    case 'text':
      return value;
    case 'number':
      return number(value);
    case 'bytes':
      return value.startsWith('-') ? undefined : number(value);
    case 'digest':
      return /^sha256:[0-9a-f]{64}$/u.test(value) ? value : undefined;
    case 'flag':
      return value === 'yes' || value === 'no' ? value : undefined;
    case 'list':
      return [...new Set(value.split(' '))].sort(byBytes).join(' ') || 'none';
    case 'mode':
      return /^[0-7]{1,5}$/u.test(value) ? Number.parseInt(value, 8).toString(8).padStart(4, '0') : undefined;
    case 'time':
      return time(value);
  }
}

function number(value: string): string | undefined {
  if (!/^-?\d{1,18}$/u.test(value)) return undefined;
  return BigInt(value).toString();
}

/** Seconds since the epoch, or RFC 3339. */
function time(value: string): string | undefined {
  const at = /^\d{1,11}$/u.test(value)
    ? Number(value) * 1000
    : /^\d{4}-\d\d-\d\dT/u.test(value)
      ? Date.parse(value)
      : NaN;
  return Number.isNaN(at) ? undefined : new Date(at).toISOString().replace('.000Z', 'Z');
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
