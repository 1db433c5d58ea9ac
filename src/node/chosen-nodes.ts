import { EdgectlError } from '../errors/error.js';
import { selectNodes } from '../fleet/select-nodes.js';
import type { Fleet, FleetNode } from '../fleet/types.js';

/** What a command line says about nodes. */
export interface NodeChoice {
  /** Names or patterns given one by one. */
  names: readonly string[];
  /** `--on`. */
  on?: string | undefined;
  /** `--all`. */
  all?: boolean;
  /** Nothing given means every node: only for commands that read. */
  emptyMeansAll: boolean;
}

/**
 * The nodes that a command line names, in the fleet's order; with names and `--on` only those that both mean. Throws
 * SELECTOR_REQUIRED when nothing was given and that does not mean all, NODE_NOT_FOUND and NOTHING_SELECTED.
 */
export function chosenNodes(fleet: Fleet, choice: NodeChoice): FleetNode[] {
  const { names, on } = choice;
  if (names.length === 0 && on === undefined && choice.all !== true && !choice.emptyMeansAll) {
    throw new EdgectlError('SELECTOR_REQUIRED', {
      message: 'No node was named.',
      hint: 'name nodes, or add --on SELECTOR, or --all',
    });
  }
  let nodes = selectNodes(fleet, on ?? '');
  if (names.length > 0) {
    const named = new Set(names.flatMap((name) => selectNodes(fleet, name).map((node) => node.id)));
    // A retired node may be asked when it is named outright.
    const literal = fleet.nodes.filter((node) => names.includes(node.id) && node.state === 'retired');
    nodes = [...nodes.filter((node) => named.has(node.id)), ...literal];
  }
  if (nodes.length === 0) throw new EdgectlError('NOTHING_SELECTED', { message: 'No node of the fleet is meant.' });
  return nodes;
}
