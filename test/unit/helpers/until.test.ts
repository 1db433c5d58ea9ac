import { describe, expect, it } from 'vitest';
import { until } from '../../helpers/until.js';

describe('waiting for a condition', () => {
  it('answers the value that was waited for', async () => {
    let looks = 0;
    expect(await until('three', () => (looks += 1), { every: 0, good: (seen) => seen === 3 })).toBe(3);
  });

  it('is bounded by time: a thousand quick looks are not too many', async () => {
    let looks = 0;
    expect(await until('many looks', () => (looks += 1), { every: 0, good: (seen) => seen > 1000 })).toBe(1001);
  });

  it('looks once more after its time, as a process that stood still for long needs', async () => {
    const seen = [false, true];
    expect(await until('the second look', () => seen.shift() ?? false, { within: 0.001, every: 5 })).toBe(true);
  });

  it('says what was waited for, for how long, and what was seen last', async () => {
    const waiting = until('a cat', () => ({ animal: 'dog' }), { within: 5, every: 1, good: () => false });
    await expect(waiting).rejects.toThrow("waited 0.005 s in vain: a cat; last seen: { animal: 'dog' }");
  });

  it('ends at once when looking fails', async () => {
    const fails = (): boolean => {
      throw new Error('sshd ended');
    };
    await expect(until('a port', fails)).rejects.toThrow('sshd ended');
  });
});
