import type { Reading } from '../../facts/sighting.js';
import type { Interner } from './interner.js';

const small = /^(?:0|[1-9]\d{0,11})$/u;

/** The text under which a reading is interned; undefined for a number, which needs none. */
export function internedText({ value, unknown }: Reading): string | undefined {
  if (value !== undefined) return small.test(value) ? undefined : `=${value}`;
  return `?${unknown}`;
}

/** The code of a reading; its text must have been interned. */
export function codeOf(reading: Reading, texts: Interner): number {
  const text = internedText(reading);
  return text === undefined ? Number(reading.value) * 2 + 1 : texts.id(text) * 2;
}

/** What a code stands for. Code 0, an attribute that the node does not answer any more, is unknown for that reason. */
export function readingOf(code: number, texts: Interner): Reading {
  if (code === 0) return { unknown: 'no longer answered' };
  if (code % 2 === 1) return { value: String((code - 1) / 2) };
  const text = texts.text(code / 2);
  return text.startsWith('=') ? { value: text.slice(1) } : { unknown: text.slice(1) };
}

const minutes = new Map<number, string>();
const tails = Array.from({ length: 60 }, (_, second) => `${String(second).padStart(2, '0')}.000Z`);

/** The store counts whole seconds since the epoch: that of an RFC 3339 time. */
export function secondOf(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}

/** RFC 3339 UTC of a second, as Date.toISOString writes it; made of cached parts, because a report needs millions of them. */
export function isoTime(at: number): string {
  const minute = Math.floor(at / 60);
  let head = minutes.get(minute);
  if (head === undefined) {
    if (minutes.size > 500_000) minutes.clear();
    head = new Date(minute * 60_000).toISOString().slice(0, 17);
    minutes.set(minute, head);
  }
  return head + (tails[at - minute * 60] ?? '');
}
