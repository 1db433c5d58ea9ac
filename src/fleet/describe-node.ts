import { EdgectlError } from '../errors/error.js';
import { selectDesired } from './select-nodes.js';
import { didYouMean } from './suggest.js';
import type { DesiredRuntime, Fleet, FleetNode, FleetSite } from './types.js';

/** A node with its site and the desired state that selects it. */
export interface NodeDescription {
  node: FleetNode;
  site: FleetSite | null;
  runtimes: readonly DesiredRuntime[];
}

/** Everything that the fleet repository says of one node. Throws NODE_NOT_FOUND with the name that was probably meant. */
export function describeNode(fleet: Fleet, id: string): NodeDescription {
  const node = fleet.nodes.find((candidate) => candidate.id === id);
  if (node === undefined) {
    const help = didYouMean(
      id,
      fleet.nodes.map((candidate) => candidate.id),
    );
    throw new EdgectlError('NODE_NOT_FOUND', { message: `The fleet has no node “${id}”${help}` });
  }
  const runtimes = fleet.runtimes.filter((runtime) =>
    selectDesired(fleet, runtime.on).some((candidate) => candidate.id === id),
  );
  return { node, site: fleet.sites?.get(node.site) ?? null, runtimes };
}
