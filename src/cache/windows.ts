import type { SiteLink } from '../fleet/types.js';

/** A stretch of time, milliseconds since the epoch. */
export interface Interval {
  from: number;
  to: number;
}

const dayMs = 86_400_000;
const minuteMs = 60_000;
/** How far the windows of a job reach, and how far an estimate looks ahead when that is not enough. */
export const horizonsMs = [62 * dayMs, 400 * dayMs] as const;

/** When a line may be used between two times: the windows of its zone as instants, joined where they touch. Pure. */
export function openIntervals(link: SiteLink | undefined, from: number, until: number): Interval[] {
  const { windows = [], zone = 'UTC' } = link ?? {};
  if (windows.length === 0) return [{ from, to: until }];
  const offset = offsets(zone);
  const found: Interval[] = [];
  // A window may have begun on the day before; a day more at both ends costs nothing.
  const first = Math.floor((from + offset(from)) / dayMs) - 1;
  const last = Math.floor((until + offset(until)) / dayMs) + 1;
  for (let day = first; day <= last; day++) {
    // 1970-01-01 was a Thursday.
    const weekday = (((day + 4) % 7) + 7) % 7;
    for (const window of windows) {
      if (!window.days.includes(weekday)) continue;
      const begin = instantOf(day * dayMs + window.from * minuteMs, offset);
      const end = instantOf(day * dayMs + window.to * minuteMs, offset);
      if (end > from && begin < until && end > begin)
        found.push({ from: Math.max(begin, from), to: Math.min(end, until) });
    }
  }
  return joined(found);
}

/** What a line may carry. */
export interface Allowance {
  bytesPerSecond: number;
  intervals: readonly Interval[];
  /** Bytes a calendar month (UTC), and those of the first one that are used already. */
  monthly?: { bytes: number; used: number } | undefined;
}

/** When so many bytes are there; undefined when that is not before the last interval ends. Pure. */
export function finishAt(bytes: number, { bytesPerSecond, intervals, monthly }: Allowance): number | undefined {
  if (bytes <= 0) return intervals[0]?.from;
  let left = bytes;
  let month = monthOf(intervals[0]?.from ?? 0);
  let budget = monthly === undefined ? Infinity : monthly.bytes - monthly.used;
  for (const { from, to } of intervals) {
    for (let at = from; at < to;) {
      if (monthOf(at) !== month) {
        month = monthOf(at);
        budget = monthly?.bytes ?? Infinity;
      }
      const end = Math.min(to, nextMonth(at));
      const can = Math.min(Math.max(0, budget), ((end - at) / 1000) * bytesPerSecond);
      if (can >= left) return Math.ceil(at + (left / bytesPerSecond) * 1000);
      left -= can;
      budget -= can;
      at = end;
    }
  }
  return undefined;
}

/** In how many of the intervals something happens until a time: nights, as people count. Pure. */
export function countUntil(intervals: readonly Interval[], until: number): number {
  return intervals.filter(({ from }) => from < until).length;
}

function monthOf(at: number): number {
  const date = new Date(at);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

function nextMonth(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

/** Milliseconds that a zone is ahead of UTC at an instant. */
function offsets(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const local = Date.UTC(
      parts['year'] ?? 0,
      (parts['month'] ?? 1) - 1,
      parts['day'],
      parts['hour'],
      parts['minute'],
      parts['second'],
    );
    return local - Math.floor(at / 1000) * 1000;
  };
}

/** The instant of a local time, given as if it were UTC; in the hour that a change of clocks leaves out, the one after it. */
function instantOf(local: number, offset: (at: number) => number): number {
  const guess = local - offset(local);
  return local - offset(guess);
}

function joined(intervals: Interval[]): Interval[] {
  const result: Interval[] = [];
  for (const next of intervals.sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && next.from <= last.to) last.to = Math.max(last.to, next.to);
    else result.push({ ...next });
  }
  return result;
}
