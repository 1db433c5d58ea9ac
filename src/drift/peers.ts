import type { FleetNode } from '../fleet/types.js';
import { attributeOf, globOf, shown } from './attributes.js';
import type { Finding, Seen, Split } from './types.js';

/** How nodes are compared with nodes. */
export interface PeerSettings {
  /** Keys that peers share: `site`, `region`, or labels. */
  by: readonly string[];
  /** Share of a group that makes a majority, above one half. */
  majority: number;
  /** Names of the attributes that are compared, with `*` and `?`. */
  attributes: readonly string[];
}

/** Two of three are a majority, one of two is not. What is one node's own, such as its boot id, is not compared. */
export const usualPeers: PeerSettings = {
  by: ['role'],
  majority: 2 / 3,
  attributes: [
    ...['runtime.*.version', 'os.id', 'os.version', 'os.init', 'os.timezone', 'kernel.release', 'kernel.options'],
    ...['sysctl.*', 'module.*', 'file.*', 'package.*', 'unit.*.active', 'unit.*.enabled', 'cgroup.version'],
    ...['security.*', 'clock.service', 'cpu.microcode'],
  ],
};

/** Fewer nodes have no majority worth the name. */
const smallest = 3;

/** Digests of what is built for one architecture, and kernels, differ between architectures by right. */
const bound = /^(runtime\..*digest|kernel\.|cpu\.)/;

/** Finds nodes that differ from the clear majority of their peers, and groups that have none. */
export function comparePeers(input: {
  nodes: readonly FleetNode[];
  seen: Seen;
  settings: PeerSettings;
  /** Desired state says what this attribute of this node should be. */
  decided: (node: string, attribute: string) => boolean;
}): { findings: Finding[]; splits: Split[] } {
  const { settings, seen } = input;
  const globs = settings.attributes.map(globOf);
  const compared = new Map<string, boolean>();
  const isCompared = (attribute: string): boolean => {
    const known = compared.get(attribute) ?? globs.some((glob) => glob(attribute));
    compared.set(attribute, known);
    return known;
  };
  const tallies = new Map<string, Tally>();
  for (const node of input.nodes) {
    const attributes = seen.get(node.id);
    const group = groupOf(node, settings.by);
    for (const [attribute, { value }] of attributes ?? []) {
      if (value === undefined || !isCompared(attribute) || input.decided(node.id, attribute)) continue;
      const arch = bound.test(attribute) ? attributes?.get(attributeOf.arch)?.value : undefined;
      const name = arch === undefined ? group : group === '' ? arch : `${group}, ${arch}`;
      const key = `${attribute}\n${name}`;
      let tally = tallies.get(key);
      if (tally === undefined) tallies.set(key, (tally = { attribute, group: name, values: new Map(), size: 0 }));
      tally.size += 1;
      const nodes = tally.values.get(value);
      if (nodes === undefined) tally.values.set(value, [node.id]);
      else nodes.push(node.id);
    }
  }
  const findings: Finding[] = [];
  const splits: Split[] = [];
  for (const tally of tallies.values()) {
    if (tally.values.size < 2 || tally.size < smallest) continue;
    const values = [...tally.values].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
    const [most] = values;
    if (most === undefined) continue;
    if (most[1].length / tally.size < settings.majority) {
      const shares = values.map(([value, nodes]) => ({ value: shown(value), nodes }));
      splits.push({ group: shown(tally.group), attribute: shown(tally.attribute), values: shares });
    } else findings.push(...minority(tally, values, seen));
  }
  return { findings, splits };
}

interface Tally {
  attribute: string;
  group: string;
  values: Map<string, string[]>;
  size: number;
}

function groupOf(node: FleetNode, by: readonly string[]): string {
  return by
    .flatMap((key) => {
      const value = key === 'site' ? node.site : key === 'region' ? node.region : node.labels[key];
      return value === undefined ? [] : [`${key}=${value}`];
    })
    .join(', ');
}

function minority(tally: Tally, [most, ...others]: [string, string[]][], seen: Seen): Finding[] {
  if (most === undefined) return [];
  const [usual, with_] = most;
  const among = tally.group === '' ? `${tally.size}` : `${tally.size} with ${shown(tally.group)}`;
  return others.flatMap(([value, nodes]) =>
    nodes.flatMap((node): Finding[] => {
      const observation = seen.get(node)?.get(tally.attribute);
      if (observation === undefined) return [];
      return [
        {
          kind: 'peers',
          class: 'unexpected',
          severity: 'cosmetic',
          node,
          attribute: tally.attribute,
          found: shown(value),
          expected: shown(usual),
          since: observation.since,
          seenAt: observation.seenAt,
          why: `${with_.length} of ${among} have ${shown(usual)}`,
        },
      ];
    }),
  );
}
