import { join } from 'node:path';
import type { BundleStore } from '../bundle/types.js';
import type { Fleet } from '../fleet/types.js';
import { fileKnownHosts } from '../transport/known-hosts/file.js';
import type { SshLimits } from '../transport/ssh/limits.js';
import { createOpensshTransport } from '../transport/openssh/transport.js';
import { selectTransport } from '../transport/select.js';
import { createSshTransport, type SshTransport } from '../transport/ssh/transport.js';
import { createNodeClient, type NodeClient } from './client.js';
import type { SudoPassword } from './sudo.js';
import { hopOf, nodeOf, targetOf } from './target.js';
import type { TrustWay } from './trust.js';

/** How a command reaches the nodes of a fleet. */
export interface OpenOptions {
  /** The process environment: `SSH_AUTH_SOCK`, `HOME` and `EDGECTL_SSH_CONFIG` (a file for `ssh -F`) are read from it. */
  env: Readonly<Record<string, string | undefined>>;
  bundles?: Pick<BundleStore, 'read'>;
  limits?: Partial<SshLimits>;
  /** For nodes where sudo asks for a password. */
  sudo?: SudoPassword | undefined;
}

/** An open way to a fleet's nodes; close it when the command ends. */
export interface OpenNodes {
  transport: SshTransport;
  client: NodeClient;
  close(): Promise<void>;
}

/** The way to hosts whose keys are not pinned yet: only the bastions before them are logged in to. */
export function trustWay(fleet: Fleet, options: OpenOptions): { way: TrustWay; close(): Promise<void> } {
  const { transport, close } = openNodes(fleet, options);
  const operator = { agent: options.env['SSH_AUTH_SOCK'], home: options.env['HOME'] };
  const way: TrustWay = { reach: transport.reach, hop: (bastion) => hopOf(fleet, bastion, operator) };
  return { way, close };
}

/** Open SSH to a fleet: its known_hosts, the operator's agent and keys. Contacts nothing yet. */
export function openNodes(fleet: Fleet, options: OpenOptions): OpenNodes {
  const operator = { agent: options.env['SSH_AUTH_SOCK'], home: options.env['HOME'] };
  const { knownHostsFile } = fleet;
  const knownHosts = fileKnownHosts(knownHostsFile);
  const limits = options.limits === undefined ? {} : { limits: options.limits };
  const configFile = options.env['EDGECTL_SSH_CONFIG'];
  const transport = selectTransport(
    createSshTransport({ knownHosts, usualKeys: usualKeys(operator.home), ...limits }),
    () =>
      createOpensshTransport({
        knownHostsFile,
        env: options.env,
        ...limits,
        ...(configFile === undefined || configFile === '' ? {} : { configFile }),
      }),
    knownHosts,
  );
  const client = createNodeClient({
    transport,
    target: (nodeId) => targetOf(fleet, nodeOf(fleet, nodeId), operator),
    ...(options.bundles === undefined ? {} : { bundles: options.bundles }),
    ...(options.sudo === undefined ? {} : { sudo: options.sudo }),
  });
  return { transport, client, close: () => transport.close() };
}

/** The keys that ssh tries by itself (ssh_config(5), IdentityFile). */
function usualKeys(home: string | undefined): string[] {
  return home === undefined ? [] : ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(home, '.ssh', name));
}
