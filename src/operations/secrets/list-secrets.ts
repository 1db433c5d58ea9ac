import { EdgectlError } from '../../errors/error.js';
import type { Fleet } from '../../fleet/types.js';
import type { NodeClass } from '../../secrets/enrolled.js';
import { readAllEnrolled } from '../../secrets/enrolled.js';
import { requireTrust } from '../../secrets/keys.js';
import type { SecretEntry } from '../../secrets/store.js';
import { checkSecretName, SecretStore } from '../../secrets/store.js';

/** One secret on one node. */
export interface SecretRow {
  /** `node/secret`. */
  id: string;
  secret: string;
  node: string;
  class: NodeClass | 'unknown';
  /** What it shall have; 0 when it shall not have it any more. */
  due: number;
  /** What it said that it has; 0 for nothing. */
  delivered: number;
  /** `proven`: the newest generation was opened there. `closed`: it is there and does not open. `pending`: not there yet. `revoking`: still there. */
  state: 'proven' | 'closed' | 'pending' | 'revoking';
  /** When it said so. */
  at?: string;
  why?: string;
}

/** Every secret on every node that has it or shall have it; from the repository alone. Throws KEYS_NOT_FOUND, MANIFEST_SIGNATURE. */
export async function listSecrets(fleet: Fleet): Promise<SecretRow[]> {
  const trust = await requireTrust(fleet);
  const known = await readAllEnrolled(fleet, trust.manifest);
  const store = new SecretStore(fleet.dir);
  const rows: SecretRow[] = [];
  for (const entry of await store.entries())
    for (const { node, key } of await store.sealed(entry)) {
      const delivery = await store.delivery(node);
      const has = delivery?.secrets[entry.name];
      const due = key === undefined ? 0 : entry.generation;
      if (due === 0 && delivery !== undefined && has === undefined) continue;
      const newest = has?.generation === due;
      const state = due === 0 ? 'revoking' : !newest ? 'pending' : has?.opens === true ? 'proven' : 'closed';
      rows.push({
        id: `${node}/${entry.name}`,
        secret: entry.name,
        node,
        class: known.get(node)?.class ?? 'unknown',
        due,
        delivered: has?.generation ?? 0,
        state,
        ...(delivery === undefined ? {} : { at: delivery.at }),
        ...(has === undefined || has.why === '' ? {} : { why: has.why }),
      });
    }
  return rows.sort((one, other) => (one.id < other.id ? -1 : 1));
}

/** What the repository says about a secret. Throws SECRET_NOT_FOUND, USAGE. */
export async function secretEntry(fleet: Pick<Fleet, 'dir'>, name: string): Promise<SecretEntry> {
  checkSecretName(name);
  const entry = await new SecretStore(fleet.dir).entry(name);
  if (entry !== undefined) return entry;
  throw new EdgectlError('SECRET_NOT_FOUND', { message: `The fleet has no secret ${name}.` });
}
