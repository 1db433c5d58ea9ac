import { readFile } from 'node:fs/promises';
import type { Fleet } from '../../fleet/types.js';
import { foldNames } from '../../plan/ranges.js';
import { parseKnownHosts, type KnownHostsLine } from '../../transport/known-hosts/parse.js';
import { pinsFor } from '../../transport/known-hosts/pins.js';
import { quoteArgv } from '../../transport/quote.js';
import type { FleetCheck } from './check.js';

/** Does known_hosts hold a host key of every node and bastion, and only lines that can be read? */
export const knownHostsCheck: FleetCheck = {
  id: 'known-hosts',
  needsFleet: true,
  run: async (_computer, fleet) => {
    const lines = parseKnownHosts(await readFile(fleet.knownHostsFile, 'utf8').catch(() => ''));
    const damaged = lines.findIndex(({ text, host }) => host === undefined && !/^\s*(?:#|$)/u.test(text));
    if (damaged !== -1)
      return {
        state: 'bad',
        detail: `${fleet.knownHostsFile}:${damaged + 1} cannot be read`,
        hint: quoteArgv(['sed', '-i', `${damaged + 1}d`, fleet.knownHostsFile]),
      };
    const isPinned = pinned(lines);
    const bastions = bastionNames(fleet).filter((name) => !isPinned(name));
    if (bastions.length > 0)
      return {
        state: 'warn',
        detail: `no host key of bastion ${bastions.join(', ')}`,
        hint: quoteArgv(['edgectl', 'node', 'trust', ...bastions.flatMap((name) => ['--bastion', name])]),
      };
    const nodes = fleet.nodes.map(({ id }) => id);
    const unknown = nodes.filter((id) => !isPinned(id));
    if (unknown.length === 0) return { state: 'ok', detail: `host keys of ${nodes.length} nodes` };
    const some = unknown.length < nodes.length && unknown.length <= 8;
    return {
      state: 'warn',
      detail: `no host key of ${unknown.length} of ${nodes.length} nodes: ${foldNames(unknown)}`,
      hint: quoteArgv(['edgectl', 'node', 'trust', ...(some ? unknown : ['--all'])]),
    };
  },
};

/** Names of a fleet's bastions, each after those before it. */
export function bastionNames(fleet: Pick<Fleet, 'nodes'>): string[] {
  return [...new Set(fleet.nodes.flatMap(({ via }) => via.map(({ name }) => name)))];
}

/** Plain names are looked up in a set: asking every line for every node is dear for ten thousand of both. */
function pinned(lines: readonly KnownHostsLine[]): (id: string) => boolean {
  const isPlain = (names: string): boolean => !/[*?!|]/u.test(names);
  const hosts = lines.flatMap(({ host }) => (host === undefined || host.marker === 'revoked' ? [] : [host]));
  const names = new Set(hosts.flatMap((host) => (isPlain(host.names) ? host.names.toLowerCase().split(',') : [])));
  const others = lines.filter(({ host }) => host !== undefined && !isPlain(host.names));
  return (id) => {
    if (names.has(id.toLowerCase())) return true;
    const pins = pinsFor(others, id);
    return pins.keys.length > 0 || pins.authorityOnly;
  };
}
