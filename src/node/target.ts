import { isAbsolute, join } from 'node:path';
import { EdgectlError } from '../errors/error.js';
import type { Fleet, FleetNode } from '../fleet/types.js';
import type { Target } from '../transport/types.js';

/** The operator's side of authentication: agent socket (`SSH_AUTH_SOCK`) and home directory for `~/`. */
export interface Operator {
  agent?: string | undefined;
  home?: string | undefined;
}

/** The transport target of a node. Relative key paths start at the fleet repository. */
export function targetOf(fleet: Pick<Fleet, 'dir'>, node: FleetNode, operator: Operator): Target {
  const expand = (path: string): string => {
    if (path.startsWith('~/') && operator.home !== undefined) return join(operator.home, path.slice(2));
    return isAbsolute(path) ? path : join(fleet.dir, path);
  };
  return {
    nodeId: node.id,
    host: node.address,
    port: node.port,
    user: node.user,
    identityFiles: node.identity.map(expand),
    ...(operator.agent === undefined || operator.agent === '' ? {} : { agent: operator.agent }),
  };
}

/** The node of that id. Throws NODE_NOT_FOUND. */
export function nodeOf(fleet: Pick<Fleet, 'nodes'>, nodeId: string): FleetNode {
  const node = fleet.nodes.find((candidate) => candidate.id === nodeId);
  if (node === undefined) throw new EdgectlError('NODE_NOT_FOUND', { message: `The fleet has no node ${nodeId}.` });
  return node;
}
