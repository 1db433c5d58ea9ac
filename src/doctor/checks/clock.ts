import type { Check } from '../check.js';

const maxSkewS = 300;

/** Is the node's clock near ours? A wrong clock does not stop a rollout (series come first), but expiry is then not checked. */
export const clockCheck: Check = {
  id: 'clock',
  blocks: false,
  async run({ client, clock, node, signal }) {
    const request = { argv: ['date', '+%s'], timeoutMs: 15_000, maxOutput: 1024 };
    const before = clock.now();
    const result = await client.exec(node.id, { ...request, ...(signal === undefined ? {} : { signal }) });
    const theirs = result.ok ? Number(result.stdout.toString('ascii').trim()) : Number.NaN;
    if (!Number.isSafeInteger(theirs) || theirs === 0)
      return { state: 'warn', detail: 'the node did not tell its time' };
    // The answer was made somewhere between asking and hearing.
    const skew = Math.round(theirs - (before + clock.now()) / 2000);
    const detail = `the clock differs by ${Math.abs(skew)} s`;
    if (Math.abs(skew) <= maxSkewS) return { state: 'ok', detail };
    return { state: 'warn', detail, hint: 'on the node: timedatectl set-ntp true' };
  },
};
