import { isAbsolute, join } from 'node:path';
import { EdgectlError } from '../errors/error.js';
import type { Bastion, Fleet, FleetNode } from '../fleet/types.js';
import type { Endpoint, Hop, Target } from '../transport/types.js';

/** The operator's side of authentication: agent socket (`SSH_AUTH_SOCK`) and home directory for `~/`. */
export interface Operator {
  agent?: string | undefined;
  home?: string | undefined;
}

/** The transport target of a node, with the bastions before it. Relative key paths start at the fleet repository. */
export function targetOf(fleet: Pick<Fleet, 'dir'>, node: FleetNode, operator: Operator): Target {
  const target: Target = endpointOf(fleet, { ...node, name: node.id }, operator);
  if (node.callHome !== undefined) target.socketPath = node.callHome;
  if (node.transport === 'openssh') target.transport = 'openssh';
  if (node.via.length > 0) target.via = node.via.map((bastion) => hopOf(fleet, bastion, operator));
  return target;
}

/** The node as it is reached in the workshop: before it calls home for the first time. */
export function atItsAddress({ callHome: _, ...node }: FleetNode): FleetNode {
  return { ...node, via: [] };
}

/** A bastion as the transport knows it; its host keys are pinned by its name. */
export function hopOf(fleet: Pick<Fleet, 'dir'>, bastion: Bastion, operator: Operator): Hop {
  const { handshakes, channels } = bastion;
  return {
    ...endpointOf(fleet, bastion, operator),
    ...(handshakes === undefined ? {} : { handshakes }),
    ...(channels === undefined ? {} : { channels }),
  };
}

function endpointOf(
  fleet: Pick<Fleet, 'dir'>,
  place: Pick<Bastion, 'name' | 'address' | 'port' | 'user' | 'identity'>,
  operator: Operator,
): Endpoint {
  const expand = (path: string): string => {
    if (path.startsWith('~/') && operator.home !== undefined) return join(operator.home, path.slice(2));
    return isAbsolute(path) ? path : join(fleet.dir, path);
  };
  return {
    nodeId: place.name,
    host: place.address,
    port: place.port,
    user: place.user,
    identityFiles: place.identity.map(expand),
    ...(operator.agent === undefined || operator.agent === '' ? {} : { agent: operator.agent }),
  };
}

/** The node of that id. Throws NODE_NOT_FOUND. */
export function nodeOf(fleet: Pick<Fleet, 'nodes'>, nodeId: string): FleetNode {
  const node = fleet.nodes.find((candidate) => candidate.id === nodeId);
  if (node === undefined) throw new EdgectlError('NODE_NOT_FOUND', { message: `The fleet has no node ${nodeId}.` });
  return node;
}
