import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Target } from '../../transport/types.js';
import type { Check } from '../check.js';

/** Does the node's address resolve? */
export const dnsCheck: Check = {
  id: 'dns',
  blocks: true,
  async run({ target, connection }) {
    if (behindBastion(target)) {
      const connected = await connection();
      if (connected.ok || connected.kind !== 'dns') return { state: 'ok', detail: 'left to its bastion' };
      return {
        state: 'bad',
        detail: connected.message,
        hint: 'correct the address in fleet.yaml: the bastion resolves it',
      };
    }
    if (isIP(target.host) !== 0) return { state: 'ok', detail: `${target.host} is an address` };
    try {
      const found = await lookup(target.host, { all: true });
      return { state: 'ok', detail: `${target.host} is ${found.map(({ address }) => address).join(', ')}` };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'error';
      const hint = `correct the address in fleet.yaml, or your resolver: getent hosts ${target.host}`;
      return { state: 'bad', detail: `${target.host} does not resolve (${code})`, hint };
    }
  },
};

/** Is this node reached through bastions? Then what the network says comes from them. */
export function behindBastion(target: Target): boolean {
  return (target.via ?? []).length > 0;
}
