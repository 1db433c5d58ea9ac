import { describe, expect, it } from 'vitest';
import { mapLimit } from '../../../src/util/map-limit.js';

describe('a bounded map', () => {
  it('keeps the order and never runs more than its limit', async () => {
    let running = 0;
    let most = 0;
    const results = await mapLimit([5, 1, 4, 2, 3], 2, async (n) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < n; turn += 1) await Promise.resolve();
      running -= 1;
      return n * 10;
    });
    expect([results, most]).toEqual([[50, 10, 40, 20, 30], 2]);
  });

  it('starts nothing new after a failure', async () => {
    const started: number[] = [];
    const running = mapLimit([1, 2, 3], 1, async (n) => {
      started.push(n);
      throw new Error(`no ${n}`);
    });
    await expect(running).rejects.toThrow('no 1');
    expect(started).toEqual([1]);
  });
});
