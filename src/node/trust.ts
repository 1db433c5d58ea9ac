import { EdgectlError } from '../errors/error.js';
import type { Bastion, Fleet, FleetNode } from '../fleet/types.js';
import { fileKnownHosts, writePins } from '../transport/known-hosts/file.js';
import { fingerprint } from '../transport/fingerprint.js';
import { scanHostKeys, type ScannedKey, type ScanOptions } from '../transport/ssh/scan.js';
import type { Wire } from '../transport/ssh/wire.js';
import type { Hop, TransportFailure } from '../transport/types.js';
import { mapLimit } from '../util/map-limit.js';

/** What a scan of one node found, next to what is pinned. */
export interface TrustFinding {
  node: string;
  address: string;
  /** `new`: nothing pinned yet. `same`: exactly these keys. `changed`: others, or more, or fewer. */
  state: 'new' | 'same' | 'changed' | 'revoked' | 'unreachable';
  offered: ScannedKey[];
  /** Fingerprints. */
  pinned: string[];
  failure?: TransportFailure;
}

/** A host whose keys may be pinned: a node, or a bastion under its name. */
export interface Trustee {
  id: string;
  address: string;
  port: number;
  /** Bastions before it. */
  via: readonly Bastion[];
  /** A node that calls home. */
  callHome?: string;
  transport?: 'ssh' | 'openssh';
}

/** How hosts behind bastions are reached. */
export interface TrustWay {
  reach(
    to: { host: string; port: number; via: readonly Hop[]; socketPath?: string; transport?: 'ssh' | 'openssh' },
    signal?: AbortSignal,
  ): Promise<Wire | TransportFailure>;
  hop(bastion: Bastion): Hop;
}

/** The bastions of a fleet with these names, each with those before it. Throws NODE_NOT_FOUND. */
export function bastionsOf(fleet: Pick<Fleet, 'nodes' | 'bastions'>, names: readonly string[]): Trustee[] {
  const known = new Map<string, Trustee>();
  for (const { via } of fleet.nodes) {
    via.forEach((bastion, index) => {
      if (known.has(bastion.name)) return;
      const { name: id, address, port } = bastion;
      known.set(id, { id, address, port, via: via.slice(0, index) });
    });
  }
  // One that no node goes through yet is reached directly.
  for (const { name: id, address, port } of fleet.bastions?.values() ?? [])
    if (!known.has(id)) known.set(id, { id, address, port, via: [] });
  return names.map((name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const all = [...known.keys()].join(', ') || 'none';
    throw new EdgectlError('NODE_NOT_FOUND', { message: `The fleet has no bastion ${name}; there is ${all}.` });
  });
}

/** Ask hosts for their host keys and compare them with the fleet's known_hosts. Writes nothing. */
export async function inspectTrust(
  knownHostsFile: string,
  nodes: readonly (Trustee | FleetNode)[],
  options: { signal?: AbortSignal; way?: TrustWay } = {},
): Promise<TrustFinding[]> {
  const pins = fileKnownHosts(knownHostsFile);
  return mapLimit(nodes, 32, async (node) => {
    const known = await pins.lookup(node.id);
    const pinned = known.keys.map(({ key }) => fingerprint(Buffer.from(key, 'base64')));
    const base = { node: node.id, address: `${node.address} port ${node.port}`, pinned };
    const offered = await scanHostKeys(node.address, node.port, scanOptions(node, options));
    if ('ok' in offered) return { ...base, state: 'unreachable', offered: [], failure: offered };
    const now = offered.map(({ key }) => key).sort();
    const then = known.keys.map(({ key }) => key).sort();
    const same = now.length === then.length && now.every((key, index) => key === then[index]);
    const revoked = offered.some(({ key }) => known.revoked.includes(key));
    const state = revoked ? 'revoked' : then.length === 0 ? 'new' : same ? 'same' : 'changed';
    return { ...base, state, offered };
  });
}

function scanOptions(node: Trustee | FleetNode, options: { signal?: AbortSignal; way?: TrustWay }): ScanOptions {
  const { signal, way } = options;
  const base = signal === undefined ? {} : { signal };
  if (way === undefined || node.via.length === 0) return base;
  const { address: host, port, callHome, transport } = node;
  const to = {
    ...{ host, port, via: node.via.map((bastion) => way.hop(bastion)) },
    ...(callHome === undefined ? {} : { socketPath: callHome }),
    ...(transport === undefined ? {} : { transport }),
  };
  return { ...base, reach: () => way.reach(to, signal) };
}

/** Pin the keys of these findings, replacing what was pinned for their nodes. */
export async function pinFindings(knownHostsFile: string, findings: readonly TrustFinding[]): Promise<void> {
  await writePins(
    knownHostsFile,
    findings.map(({ node, offered }) => ({ nodeId: node, keys: offered })),
  );
}
