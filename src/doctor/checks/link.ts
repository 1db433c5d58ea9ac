import type { Check } from '../check.js';

/** An answer that takes longer makes every step of a rollout slow. */
const slowMs = 800;

/** How long does an answer take over a connection that is open already? */
export const linkCheck: Check = {
  id: 'link',
  blocks: false,
  async run({ client, clock, node, signal }) {
    const request = { argv: ['true'], timeoutMs: 15_000, maxOutput: 1024 };
    const withSignal = { ...request, ...(signal === undefined ? {} : { signal }) };
    // The first one may have to connect.
    await client.exec(node.id, withSignal);
    const before = clock.now();
    const result = await client.exec(node.id, withSignal);
    if (!result.ok)
      return { state: 'warn', detail: result.message, hint: 'the connection does not last: look at the link' };
    const took = Math.max(0, clock.now() - before);
    const detail = `an answer takes ${(took / 1000).toFixed(1)} s`;
    if (took < slowMs) return { state: 'ok', detail };
    return { state: 'warn', detail, hint: `edgectl node exec ${node.id} -- uptime` };
  },
};
