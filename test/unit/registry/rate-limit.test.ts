import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planCopy } from '../../../src/registry/copy-plan.js';
import { tokenBucket } from '../../../src/registry/rate-limit.js';

/** A clock on which pausing is what lets time pass, for any number of sleepers. */
function virtualTime() {
  const sleepers: { at: number; wake: () => void }[] = [];
  const time = {
    at: 0,
    now: () => time.at,
    pause: (ms: number) => new Promise<void>((wake) => sleepers.push({ at: time.at + ms, wake })),
    async run(work: Promise<unknown>) {
      let done = false;
      void work.then(() => (done = true));
      while (!done) {
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
        const next = sleepers.sort((a, b) => a.at - b.at).shift();
        if (next === undefined) continue;
        time.at = Math.max(time.at, next.at);
        next.wake();
      }
    },
  };
  return time;
}

describe('the rate limit', () => {
  test('is kept by any number of streams together', async () => {
    const chunks = fc.array(fc.array(fc.integer({ min: 1, max: 65_536 }), { maxLength: 20 }), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(chunks, fc.integer({ min: 1000, max: 1_000_000 }), async (streams, rate) => {
        const time = virtualTime();
        const limit = tokenBucket(rate, time);
        const went: { at: number; bytes: number }[] = [];
        const stream = async (sizes: number[]) => {
          for (const bytes of sizes) {
            await limit.take(bytes);
            went.push({ at: time.at, bytes });
          }
        };
        await time.run(Promise.all(streams.map(stream)));
        let total = 0;
        for (const { at, bytes } of went) {
          total += bytes;
          expect(total).toBeLessThanOrEqual(rate / 10 + (at / 1000) * rate + 1);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('lets what was saved up in silence go no further than its burst', async () => {
    const time = virtualTime();
    const limit = tokenBucket(1000, time, 500);
    time.at = 3_600_000;
    await time.run(limit.take(500).then(() => limit.take(1000)));
    expect(time.at).toBe(3_601_000);
  });
});

describe('a copy plan', () => {
  const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`;
  const blob = (n: number) => ({ mediaType: 'application/octet-stream', digest: digest(n), size: n });

  test('is the difference between what there is and what there shall be', () => {
    const graph = { root: digest(9), manifests: [], blobs: new Map([1, 2, 3, 4].map((n) => [digest(n), blob(n)])) };
    const plan = planCopy(graph, {
      blobs: new Set([digest(4)]),
      manifests: new Set(),
      elsewhere: new Map([[digest(3), 'other']]),
      partial: new Map([
        [digest(2), 1],
        [digest(1), 5],
      ]),
    });
    expect(plan.blobs.map(({ size, action }) => [size, action])).toEqual([
      [4, 'have'],
      [3, 'mount'],
      [2, 'partial'],
      [1, 'fetch'],
    ]);
    expect(plan).toMatchObject({ missing: 2, total: 10 });
  });
});
