import { EdgectlError } from '../errors/error.js';
import { matcher, selectNodes } from '../fleet/select-nodes.js';
import { parseSelector } from '../fleet/selector.js';
import { didYouMean } from '../fleet/suggest.js';
import type { DesiredRuntime, Fleet, FleetNode } from '../fleet/types.js';

/** Desired state, narrowed to what was asked for. */
export interface Desired {
  runtimes: { runtime: DesiredRuntime; nodes: ReadonlySet<string> }[];
  /** Nodes that at least one of them is for, in the fleet's order. */
  nodes: FleetNode[];
}

/**
 * What `runtimes.yaml` wants of the named components (`NAME` or `NAME@VERSION`; all when empty) on the nodes that `on` leaves.
 * Throws USAGE for a name or version that desired state does not have, NOTHING_SELECTED when no node is left.
 */
export function desiredRuntimes(fleet: Fleet, names: readonly string[], on?: string): Desired {
  const rows = names.length === 0 ? fleet.runtimes : names.flatMap((name) => named(fleet, name));
  if (rows.length === 0) {
    throw new EdgectlError('NOTHING_SELECTED', {
      message: 'runtimes.yaml asks for nothing yet.',
      hint: 'edgectl runtime pack SOURCE --driver NAME --write',
    });
  }
  const allowed = on === undefined ? fleet.nodes.filter((node) => node.state !== 'retired') : selectNodes(fleet, on);
  const taken = new Map<string, Set<string>>();
  const runtimes = rows.map((runtime) => {
    const matches = runtime.on === '' ? () => true : matcher(parseSelector(runtime.on));
    const nodes = new Set(allowed.filter(matches).map((node) => node.id));
    refuseOverlap(taken, runtime, nodes);
    return { runtime, nodes };
  });
  const wanted = new Set(runtimes.flatMap(({ nodes }) => [...nodes]));
  const nodes = allowed.filter((node) => wanted.has(node.id));
  if (nodes.length === 0) {
    throw new EdgectlError('NOTHING_SELECTED', {
      message: 'No node is left: no selector of runtimes.yaml and --on match the same node.',
    });
  }
  return { runtimes, nodes };
}

function named(fleet: Fleet, name: string): DesiredRuntime[] {
  const at = name.indexOf('@');
  const component = at === -1 ? name : name.slice(0, at);
  const version = at === -1 ? undefined : name.slice(at + 1);
  const rows = fleet.runtimes.filter((row) => row.component === component);
  if (rows.length === 0) {
    const known = [...new Set(fleet.runtimes.map((row) => row.component))];
    throw new EdgectlError('USAGE', {
      message: `runtimes.yaml has no runtime “${component}”${didYouMean(component, known)}`,
    });
  }
  const exact = version === undefined ? rows : rows.filter((row) => row.version === version);
  if (exact.length === 0) {
    throw new EdgectlError('USAGE', {
      message: `runtimes.yaml wants ${component} ${[...new Set(rows.map((row) => row.version))].join(', ')}, not ${version}.`,
      hint: 'what nodes shall run is written in runtimes.yaml: change it there, then roll out',
    });
  }
  return exact;
}

function refuseOverlap(taken: Map<string, Set<string>>, runtime: DesiredRuntime, nodes: ReadonlySet<string>): void {
  const seen = taken.get(runtime.component) ?? new Set<string>();
  const twice = [...nodes].find((node) => seen.has(node));
  if (twice !== undefined) {
    throw new EdgectlError('CONFIG_INVALID', {
      message: `runtimes.yaml wants two versions of ${runtime.component} on ${twice}; one of them is ${runtime.version}.`,
      hint: 'edgectl fleet check',
    });
  }
  for (const node of nodes) seen.add(node);
  taken.set(runtime.component, seen);
}
