import type { Ui } from './ui.js';
import { age, count } from './units.js';

/** A change of an attribute; times are RFC 3339 UTC. */
interface Change {
  attribute: string;
  value?: string;
  unknown?: string;
  since: string;
  seenAt: string;
}

/** Changes of a node, oldest first: since when, until when it was seen so, and what it was. */
export function historyText(changes: readonly Change[], all: number, ui: Ui, now: number): string {
  const rows = changes.map(({ attribute, value, unknown, since, seenAt }) => [
    minute(since),
    minute(seenAt),
    attribute,
    value === undefined ? { text: `unknown: ${unknown ?? ''}`, tone: 'warn' as const } : value,
  ]);
  const table = ui.table(
    ['since', 'last seen so', { title: 'attribute', shrink: true }, { title: 'value', shrink: true }],
    rows,
  );
  const left = all - changes.length;
  const newest = changes.reduce((last, { seenAt }) => Math.max(last, Date.parse(seenAt)), 0);
  const note = `times are UTC; last look ${age(now - newest)}${left > 0 ? `; ${count(left, 'older change')} left out (--limit)` : ''}`;
  return `${table}\n\n${ui.theme.dim(note)}`;
}

/** `2026-11-01 14:07`. */
function minute(at: string): string {
  return at.slice(0, 16).replace('T', ' ');
}
