import { describe, expect, it } from 'vitest';
import { countUntil, finishAt, openIntervals } from '../../../src/cache/windows.js';
import { parseRate, parseSize, parseWindow } from '../../../src/fleet/schema/link.js';

const at = (text: string): number => Date.parse(text);
const hours = 3_600_000;
const windowOf = (text: string) => {
  const window = parseWindow(text);
  if (window === undefined) throw new Error(text);
  return window;
};
const berlin = (text: string) => ({ windows: [windowOf(text)], zone: 'Europe/Berlin' });

describe('windows of a line', () => {
  it('are read with days, over midnight and around the week', () => {
    expect(parseWindow('22:00-06:00')).toEqual({ days: [0, 1, 2, 3, 4, 5, 6], from: 1320, to: 1800 });
    expect(parseWindow('fri-mon,wed 21:30-24:00')).toEqual({ days: [0, 1, 3, 5, 6], from: 1290, to: 1440 });
    for (const wrong of ['22-06', '24:00-06:00', '22:00-22:00', 'fry 22:00-23:00', '22:60-23:00', '25:00-26:00', ''])
      expect(parseWindow(wrong), wrong).toBeUndefined();
  });

  it('are instants: eight hours a night, nine when the clocks go back, seven when they go forward', () => {
    const nights = (from: string, days: number) =>
      openIntervals(berlin('22:00-06:00'), at(from), at(from) + days * 24 * hours).map(
        (one) => (one.to - one.from) / hours,
      );
    expect(nights('2026-06-01T12:00Z', 2)).toEqual([8, 8]);
    expect(nights('2026-10-24T12:00Z', 1)).toEqual([9]);
    expect(nights('2026-03-28T12:00Z', 1)).toEqual([7]);
    expect(openIntervals(berlin('22:00-06:00'), at('2026-06-01T12:00Z'), at('2026-06-02T12:00Z'))[0]?.from).toBe(
      at('2026-06-01T20:00Z'),
    );
  });

  it('begin in the middle when one is open now, and join where they touch', () => {
    const [first] = openIntervals(berlin('22:00-06:00'), at('2026-06-01T23:00Z'), at('2026-06-03T00:00Z'));
    expect(first).toEqual({ from: at('2026-06-01T23:00Z'), to: at('2026-06-02T04:00Z') });
    const whole = { windows: [windowOf('00:00-24:00')], zone: 'UTC' };
    expect(openIntervals(whole, 0, 3 * 24 * hours)).toEqual([{ from: 0, to: 3 * 24 * hours }]);
    expect(openIntervals(undefined, 5, 9)).toEqual([{ from: 5, to: 9 }]);
  });
});

describe('when bytes are there', () => {
  const intervals = [
    { from: 0, to: 1000 },
    { from: 5000, to: 6000 },
  ];

  it('goes on in the next window and counts them', () => {
    expect(finishAt(500, { bytesPerSecond: 1000, intervals })).toBe(500);
    expect(finishAt(1500, { bytesPerSecond: 1000, intervals })).toBe(5500);
    expect(finishAt(2001, { bytesPerSecond: 1000, intervals })).toBeUndefined();
    expect(countUntil(intervals, 5500)).toBe(2);
  });

  it('waits for the next month when the bytes of this one are used up', () => {
    const from = at('2026-06-30T23:59:00Z');
    const monthly = { bytes: 1000, used: 400 };
    const month = [{ from, to: from + 48 * hours }];
    expect(finishAt(600, { bytesPerSecond: 100, intervals: month, monthly })).toBe(from + 6000);
    expect(finishAt(700, { bytesPerSecond: 100, intervals: month, monthly })).toBe(at('2026-07-01T00:00:01Z'));
  });
});

it('reads rates and sizes in powers of ten', () => {
  expect(['8Mbit/s', '1MB/s', '512 kbit/s', '8mbit/s', '0bit/s', '8Mbit'].map(parseRate)).toEqual([
    ...[1_000_000, 1_000_000, 64_000, undefined, undefined, undefined],
  ]);
  expect(['20GB', '1.5 TB', '5 GiB', '0MB'].map(parseSize)).toEqual([2e10, 1.5e12, undefined, undefined]);
});
