import type { BundleStore } from '../bundle/types.js';
import type { Fleet } from '../fleet/types.js';
import { fileKnownHosts } from '../transport/known-hosts/file.js';
import type { SshLimits } from '../transport/ssh/limits.js';
import { createSshTransport } from '../transport/ssh/transport.js';
import type { Transport } from '../transport/types.js';
import { createNodeClient, type NodeClient } from './client.js';
import { nodeOf, targetOf } from './target.js';

/** How a command reaches the nodes of a fleet. */
export interface OpenOptions {
  /** The process environment: `SSH_AUTH_SOCK` and `HOME` are read from it. */
  env: Readonly<Record<string, string | undefined>>;
  bundles?: Pick<BundleStore, 'read'>;
  limits?: Partial<SshLimits>;
}

/** An open way to a fleet's nodes; close it when the command ends. */
export interface OpenNodes {
  transport: Transport;
  client: NodeClient;
  close(): Promise<void>;
}

/** Open SSH to a fleet: its known_hosts, the operator's agent and keys. Contacts nothing yet. */
export function openNodes(fleet: Fleet, options: OpenOptions): OpenNodes {
  const operator = { agent: options.env['SSH_AUTH_SOCK'], home: options.env['HOME'] };
  const transport = createSshTransport({
    knownHosts: fileKnownHosts(fleet.knownHostsFile),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const client = createNodeClient({
    transport,
    target: (nodeId) => targetOf(fleet, nodeOf(fleet, nodeId), operator),
    ...(options.bundles === undefined ? {} : { bundles: options.bundles }),
  });
  return { transport, client, close: () => transport.close() };
}
