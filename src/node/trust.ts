import type { FleetNode } from '../fleet/types.js';
import { fileKnownHosts, writePins } from '../transport/known-hosts/file.js';
import { fingerprint } from '../transport/fingerprint.js';
import { scanHostKeys, type ScannedKey } from '../transport/ssh/scan.js';
import type { TransportFailure } from '../transport/types.js';
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

/** Ask nodes for their host keys and compare them with the fleet's known_hosts. Writes nothing. */
export async function inspectTrust(
  knownHostsFile: string,
  nodes: readonly FleetNode[],
  options: { signal?: AbortSignal } = {},
): Promise<TrustFinding[]> {
  const pins = fileKnownHosts(knownHostsFile);
  return mapLimit(nodes, 32, async (node) => {
    const known = await pins.lookup(node.id);
    const pinned = known.keys.map(({ key }) => fingerprint(Buffer.from(key, 'base64')));
    const base = { node: node.id, address: `${node.address} port ${node.port}`, pinned };
    const offered = await scanHostKeys(node.address, node.port, options);
    if ('ok' in offered) return { ...base, state: 'unreachable', offered: [], failure: offered };
    const now = offered.map(({ key }) => key).sort();
    const then = known.keys.map(({ key }) => key).sort();
    const same = now.length === then.length && now.every((key, index) => key === then[index]);
    const revoked = offered.some(({ key }) => known.revoked.includes(key));
    const state = revoked ? 'revoked' : then.length === 0 ? 'new' : same ? 'same' : 'changed';
    return { ...base, state, offered };
  });
}

/** Pin the keys of these findings, replacing what was pinned for their nodes. */
export async function pinFindings(knownHostsFile: string, findings: readonly TrustFinding[]): Promise<void> {
  await writePins(
    knownHostsFile,
    findings.map(({ node, offered }) => ({ nodeId: node, keys: offered })),
  );
}
