import type { FleetNode } from '../../fleet/types.js';
import type { ReadChain } from '../../secrets/audit-chain.js';
import { followChain } from '../../secrets/audit-chain.js';
import { SecretStore } from '../../secrets/store.js';
import { mapLimit } from '../../util/map-limit.js';
import type { Workbench } from '../workbench.js';
import type { NodeEnd } from './node-desk.js';
import { endOf, NodeDesk } from './node-desk.js';

/** A node's audit file, and whether it is the one that was seen before. */
export interface AuditEnd extends NodeEnd {
  entries: Record<string, unknown>[];
  chain?: ReadChain;
}

/** Lines that a kit answers at most at once. */
const page = 1000;

/** Fetches nodes' audit files and follows their chains. One that was cut or rewritten is a failure, and what was seen before is kept. */
export async function auditNodes(
  bench: Pick<Workbench, 'fleet' | 'client' | 'around'>,
  nodes: readonly FleetNode[],
): Promise<AuditEnd[]> {
  const store = new SecretStore(bench.fleet.dir);
  return mapLimit(nodes, 32, async (node): Promise<AuditEnd> => {
    const desk = new NodeDesk(node, bench.client, bench.around.signal);
    const told: Omit<AuditEnd, keyof NodeEnd> = { entries: [] };
    const end = await endOf(node.id, async () => {
      const lines = await fetchAll(desk);
      told.entries = lines.map((line) => parsed(line));
      told.chain = followChain(lines, await store.audited(node.id));
      const { lines: count, head, fault } = told.chain;
      const at = new Date(bench.around.now()).toISOString();
      if (fault === undefined) await store.putAudited({ schema: 1, node: node.id, lines: count, head, at });
    });
    const fault = told.chain?.fault;
    if (fault === undefined) return { ...end, ...told };
    return { ...end, ...told, verdict: 'failed', code: 'AUDIT', message: `its audit file was changed: ${fault}` };
  });
}

async function fetchAll(desk: NodeDesk): Promise<string[]> {
  const all: string[] = [];
  for (;;) {
    const lines = await desk.ask('secret', { op: 'audit', after: String(all.length) });
    const texts = lines.filter((line) => line.t === 'audit').map((line) => String(line['line']));
    all.push(...texts);
    if (texts.length < page) return all;
  }
}

function parsed(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : { line };
  } catch {
    return { line };
  }
}
