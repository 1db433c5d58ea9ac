/** Holds bytes back so that no more than a rate leaves. */
export interface RateLimit {
  /** Resolves when this many bytes may go. */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
}

/** Time as the limiter sees it; tests own it. */
export interface LimiterTime {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  pause(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * A token bucket shared by every stream that is given it: the bucket may go into debt, and the next taker waits until it is paid.
 * So any number of streams together keep the rate, and one chunk may be larger than the bucket.
 */
export function tokenBucket(bytesPerSecond: number, time: LimiterTime, burst = bytesPerSecond / 10): RateLimit {
  let tokens = burst;
  let at = time.now();
  return {
    async take(bytes, signal) {
      const now = time.now();
      tokens = Math.min(burst, tokens + ((now - at) / 1000) * bytesPerSecond);
      at = now;
      // Debt is taken on at once, so that those who come meanwhile queue behind it.
      tokens -= bytes;
      if (tokens < 0) await time.pause((-tokens / bytesPerSecond) * 1000, signal);
    },
  };
}
