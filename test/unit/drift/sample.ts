import { Advisories } from '../../../src/drift/advisories.js';
import type { AssessInput } from '../../../src/drift/assess.js';
import { usualPeers } from '../../../src/drift/peers.js';
import type { Contact, Expectation } from '../../../src/drift/types.js';
import type { Observation, ObservationSource } from '../../../src/facts/observed.js';
import type { FleetNode } from '../../../src/fleet/types.js';

export const now = '2026-03-10T12:00:00.000Z';
const earlier = '2026-03-09T12:00:00.000Z';

/** A node of the fleet. */
export function node(id: string, extra: Partial<FleetNode> = {}): FleetNode {
  const way = { address: id, port: 22, user: 'u', identity: [], via: [], transport: 'ssh' as const };
  const place = { site: 'berlin', region: 'emea', groups: [], labels: {}, wariness: 0, state: 'in-service' as const };
  return { id, ...way, ...place, ...extra };
}

/** Nodes `pos-001` to `pos-N`. */
export function nodes(count: number, extra: Partial<FleetNode> = {}): FleetNode[] {
  return Array.from({ length: count }, (_, index) => node(`pos-${String(index + 1).padStart(3, '0')}`, extra));
}

/** What was seen of a node; a text that begins with `?` is a reason not to know. */
export function seen(id: string, values: Record<string, string>, times: Partial<Observation> = {}): Observation[] {
  return Object.entries(values).map(([attribute, text]) => ({
    node: id,
    attribute,
    ...(text.startsWith('?') ? { unknown: text.slice(1) } : { value: text }),
    seenAt: now,
    since: earlier,
    ...times,
  }));
}

export function reached(ids: readonly string[], yes = true): Contact[] {
  return ids.map((id) => ({ node: id, at: now, reached: yes }));
}

/** An expectation of all of some nodes. */
export function wants(
  attribute: string,
  value: string,
  ids: readonly string[],
  extra: Partial<Expectation> = {},
): Expectation {
  const where = { file: 'desired.yaml', line: 1, column: 1 };
  return { attribute, values: { all: value }, nodes: new Set(ids), severity: 'breaking', where, ...extra };
}

/** Something to assess, with nothing in it but what is given; every node was reached. */
export function input(given: Partial<AssessInput>): AssessInput {
  const ids = (given.nodes ?? []).map(({ id }) => id);
  return {
    nodes: [],
    expectations: [],
    observations: [],
    contacts: reached(ids),
    pending: [],
    advisories: new Advisories(),
    rules: [],
    peers: { ...usualPeers, by: [] },
    restless: new Map(),
    now,
    ...given,
  };
}

/** Observations in memory. `changes` are in order of time; the newest of a place counts. */
export function memorySource(changes: readonly Observation[], contacts: readonly Contact[] = []): ObservationSource {
  const at = (time: string | undefined): Observation[] => {
    const latest = new Map<string, Observation>();
    for (const one of changes)
      if (time === undefined || one.since <= time) latest.set(`${one.node}\n${one.attribute}`, one);
    return [...latest.values()];
  };
  return {
    latest: async (filter) => at(filter?.at).filter(({ node: id }) => filter?.nodes?.includes(id) ?? true),
    history: async (id, attribute) =>
      changes.filter((one) => one.node === id && (attribute === undefined || one.attribute === attribute)),
    contacts: async () => [...contacts],
  };
}
