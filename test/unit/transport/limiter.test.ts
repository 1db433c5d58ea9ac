import { describe, expect, it } from 'vitest';
import { Limiter } from '../../../src/transport/limiter.js';

describe('the limit on handshakes at once', () => {
  it('lets no more in than it has slots, in the order of asking', async () => {
    const limiter = new Limiter({ min: 2, max: 2 });
    const order: number[] = [];
    let most = 0;
    await Promise.all(
      [0, 1, 2, 3, 4].map(async (n) => {
        const release = await limiter.acquire();
        order.push(n);
        most = Math.max(most, limiter.used);
        await Promise.resolve();
        release?.();
      }),
    );
    expect([order, most, limiter.used]).toEqual([[0, 1, 2, 3, 4], 2, 0]);
  });

  it('gives nothing to a waiter whose signal has fired, and its place to the next', async () => {
    const limiter = new Limiter({ min: 1, max: 1 });
    const first = await limiter.acquire();
    const controller = new AbortController();
    const second = limiter.acquire(controller.signal);
    const third = limiter.acquire();
    controller.abort();
    expect(await second).toBeUndefined();
    first?.();
    expect(await third).toBeTypeOf('function');
    expect(await limiter.acquire(AbortSignal.abort())).toBeUndefined();
  });

  it('counts a slot that is given back twice only once', async () => {
    const limiter = new Limiter({ min: 1, max: 1 });
    const release = await limiter.acquire();
    release?.();
    release?.();
    expect(limiter.used).toBe(0);
  });

  it('grows while the process is idle and shrinks when it is busy, within its bounds', async () => {
    let load = 0;
    const limiter = new Limiter({ min: 2, max: 8 }, () => load);
    const held: ((() => void) | undefined)[] = [];
    const waiters = Array.from({ length: 30 }, () => limiter.acquire().then((release) => held.push(release)));
    const drain = async (): Promise<void> => {
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    };
    await drain();
    held.shift()?.();
    await drain();
    held.shift()?.();
    await drain();
    expect(limiter.limit).toBe(8);
    load = 1;
    while (held.length > 0) {
      held.shift()?.();
      await drain();
    }
    await Promise.all(waiters);
    expect(limiter.limit).toBe(2);
  });
});
