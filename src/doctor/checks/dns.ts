import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Check } from '../check.js';

/** Does the node's address resolve? */
export const dnsCheck: Check = {
  id: 'dns',
  blocks: true,
  async run({ target }) {
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
