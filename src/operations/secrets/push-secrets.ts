import { hostname, userInfo } from 'node:os';
import type { FleetNode } from '../../fleet/types.js';
import type { NodeVerdict } from '../../node/exit-code.js';
import type { KitLine } from '../../node/types.js';
import { mapLimit } from '../../util/map-limit.js';
import type { Delivery, SealedForNode, SecretEntry } from '../../secrets/store.js';
import { SecretStore } from '../../secrets/store.js';
import { requireTrust } from '../../secrets/keys.js';
import type { Workbench } from '../workbench.js';
import type { NodeEnd } from './node-desk.js';
import { endOf, NodeDesk } from './node-desk.js';

/** How a node ended, and what it says that it has. */
export interface PushEnd extends NodeEnd {
  /** Secrets that were taken in now. */
  delivered: string[];
  secrets: Delivery['secrets'];
}

/** Nodes that are asked at the same time. */
const atOnce = 64;

type Bench = Pick<Workbench, 'fleet' | 'client' | 'around'>;

/** What a fleet's secrets are for each node: its part of the newest generation of each. */
export interface Assignment {
  entry: SecretEntry;
  sealed: SealedForNode;
}

/** The newest generation of every secret, by node. */
export async function assignments(store: SecretStore): Promise<Map<string, Assignment[]>> {
  const byNode = new Map<string, Assignment[]>();
  for (const entry of await store.entries())
    for (const sealed of await store.sealed(entry)) {
      const list = byNode.get(sealed.node) ?? [];
      byNode.set(sealed.node, [...list, { entry, sealed }]);
    }
  return byNode;
}

/**
 * Delivers what nodes do not have yet. Each takes everything in, opens it once, and only then lets go of what it replaces.
 * A node that cannot be reached keeps what it has; asking again delivers the rest: the repository says what is due, each node what it has.
 */
export async function pushSecrets(bench: Bench, nodes: readonly FleetNode[]): Promise<PushEnd[]> {
  await requireTrust(bench.fleet);
  const store = new SecretStore(bench.fleet.dir);
  const due = await assignments(store);
  const bundles = new Map<string, Promise<Buffer>>();
  const bundleOf = (entry: SecretEntry): Promise<Buffer> => {
    const found = bundles.get(entry.name) ?? store.bundle(entry);
    bundles.set(entry.name, found);
    return found;
  };
  const concerned = nodes.filter((node) => due.has(node.id));
  return mapLimit(concerned, atOnce, async (node): Promise<PushEnd> => {
    const desk = new NodeDesk(node, bench.client, bench.around.signal);
    const told: Pick<PushEnd, 'delivered' | 'secrets'> = { delivered: [], secrets: {} };
    const end = await endOf(node.id, async () => {
      const owner = { owner: userInfo().username, host: hostname() };
      await desk.leased(`push-${bench.around.randomHex(8)}`, owner, async () => {
        // Lowest counter value first: each has to open before the counter passes it.
        const parts = [...(due.get(node.id) ?? [])].sort((one, other) => one.sealed.floor - other.sealed.floor);
        for (const part of parts) {
          const lines = await desk.ask('secret', await stageFields(part, bundleOf));
          const taken = lines.find((line) => line.t === 'secret');
          if (taken?.['have'] === false) told.delivered.push(part.entry.name);
        }
        told.secrets = await keepAnswer(store, node.id, await desk.ask('secret', { op: 'commit' }), bench.around.now());
      });
    });
    return { ...end, ...told };
  });
}

/** Asks nodes to open what they have, to nowhere: the proof that it would open at the next boot. */
export async function verifySecrets(bench: Bench, nodes: readonly FleetNode[]): Promise<PushEnd[]> {
  const store = new SecretStore(bench.fleet.dir);
  return mapLimit(nodes, atOnce, async (node): Promise<PushEnd> => {
    const desk = new NodeDesk(node, bench.client, bench.around.signal);
    let secrets: Delivery['secrets'] = {};
    const end = await endOf(node.id, async () => {
      secrets = await keepAnswer(store, node.id, await desk.ask('secret', { op: 'status' }), bench.around.now());
    });
    return { ...end, delivered: [], secrets };
  });
}

/** A node that has a secret which does not open has failed, however well it answered. */
export function pushVerdicts(ends: readonly PushEnd[]): NodeVerdict[] {
  return ends.map(({ verdict, secrets }) =>
    verdict === 'ok' && Object.values(secrets).some((one) => !one.opens) ? 'failed' : verdict,
  );
}

async function stageFields(
  { entry, sealed }: Assignment,
  bundleOf: (entry: SecretEntry) => Promise<Buffer>,
): Promise<Record<string, string>> {
  const { manifest, signature, key } = sealed;
  const base = { op: 'stage', manifest, signature };
  if (key === undefined) return base;
  const bundle = (await bundleOf(entry)).toString('base64');
  if ('age' in key) return { ...base, bundle, dek_age: key.age };
  return { ...base, bundle, dek_pub: key.pub, dek_dup: key.dup, dek_seed: key.seed };
}

/** What a node says of its secrets, kept in the repository. */
async function keepAnswer(
  store: SecretStore,
  node: string,
  lines: readonly KitLine[],
  now: number,
): Promise<Delivery['secrets']> {
  const secrets: Delivery['secrets'] = {};
  for (const line of lines) {
    if (line.t !== 'secret' || line['removed'] === true || typeof line['name'] !== 'string') continue;
    const generation = Number(line['generation']);
    if (!Number.isSafeInteger(generation)) continue;
    secrets[line['name']] = { generation, opens: line['opens'] === true, why: String(line['why'] ?? '').slice(0, 300) };
  }
  const counter = Number(lines.find((line) => line.t === 'tpm')?.['counter'] ?? 0);
  const at = new Date(now).toISOString();
  await store.putDelivery({ schema: 1, node, at, counter: Number.isSafeInteger(counter) ? counter : 0, secrets });
  return secrets;
}
