import path from 'node:path';
import { resolveLink, resolveRegistry } from './resolve-cache.js';
import type { NodesFile } from './schema/fleet-file.js';
import type { Bastion, FleetNode, FleetSite } from './types.js';

/** Site and region of a node that names none. */
export const unplaced = 'default';

/** A list that may be written as one word. */
function listOf(written: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof written === 'string' ? [written] : written;
}

/** Sites with defaults filled in. */
export function resolveSites(file: NodesFile): Map<string, FleetSite> {
  return new Map(
    Object.entries(file.sites ?? {}).map(([id, site]) => {
      const via = listOf(site.via);
      return [
        id,
        {
          region: site.region ?? unplaced,
          labels: site.labels ?? {},
          ...(site.address === undefined ? {} : { address: site.address }),
          ...(via === undefined ? {} : { via }),
          ...(site.transport === undefined ? {} : { transport: site.transport }),
          ...(site.proxy === undefined ? {} : { proxy: site.proxy }),
          ...(site.registry === undefined ? {} : { registry: resolveRegistry(site.registry) }),
          ...(site.link === undefined ? {} : { link: resolveLink(site.link) }),
        },
      ];
    }),
  );
}

/** What paths of private keys are relative to. */
export interface KeyPaths {
  dir: string;
  home: string | undefined;
}

function keyPath(written: string, paths: KeyPaths): string {
  if (written.startsWith('~/') && paths.home !== undefined) return path.join(paths.home, written.slice(2));
  return path.resolve(paths.dir, written);
}

function keyList(written: string | readonly string[] | undefined, paths: KeyPaths): readonly string[] | undefined {
  return listOf(written)?.map((entry) => keyPath(entry, paths));
}

/** Bastions by name; what they leave out is that of the defaults beside them. */
export function resolveBastions(file: NodesFile, paths: KeyPaths): Map<string, Bastion> {
  return new Map(
    Object.entries(file.bastions ?? {}).map(([name, bastion]) => [
      name,
      {
        name,
        address: bastion.address,
        port: bastion.port ?? 22,
        user: bastion.user ?? file.defaults?.user ?? 'edgectl',
        identity: keyList(bastion.identity ?? file.defaults?.identity, paths) ?? [],
        ...(bastion.handshakes === undefined ? {} : { handshakes: bastion.handshakes }),
        ...(bastion.channels === undefined ? {} : { channels: bastion.channels }),
        ...(bastion['call-home'] === undefined ? {} : { callHome: bastion['call-home'] }),
      },
    ]),
  );
}

/** Everything that nodes of any file may name. */
export interface Surrounding {
  sites: ReadonlyMap<string, FleetSite>;
  bastions: ReadonlyMap<string, Bastion>;
  paths: KeyPaths;
  /** Defaults of fleet.yaml, behind those of the nodes' own file. */
  defaults?: NodesFile['defaults'];
}

/** Nodes of one file with every default filled in: the node's own word, then its site's, then the file's, then fleet.yaml's. */
export function resolveNodes(file: NodesFile, around: Surrounding): FleetNode[] {
  const { paths } = around;
  const defaults = { ...around.defaults, ...file.defaults };
  const labels = { ...around.defaults?.labels, ...file.defaults?.labels };
  const identity = keyList(defaults.identity, paths) ?? [];
  // Nodes that go the same way share one list: there may be ten thousand of them.
  const ways = new Map<string, readonly Bastion[]>();
  const way = (written: string | readonly string[] | undefined): readonly Bastion[] => {
    const names = listOf(written) ?? [];
    const key = names.join(' ');
    let found = ways.get(key);
    if (found === undefined) ways.set(key, (found = names.flatMap((name) => around.bastions.get(name) ?? [])));
    return found;
  };
  return Object.entries(file.nodes ?? {}).map(([id, node]): FleetNode => {
    const siteId = node.site ?? unplaced;
    const site = around.sites.get(siteId);
    return {
      id,
      address: node.address,
      port: node.port ?? defaults.port ?? 22,
      user: node.user ?? defaults.user ?? 'edgectl',
      identity: keyList(node.identity, paths) ?? identity,
      via: way(node.via ?? site?.via ?? defaults.via),
      transport: node.transport ?? site?.transport ?? defaults.transport ?? 'ssh',
      site: siteId,
      region: site?.region ?? unplaced,
      ...(node['call-home'] === undefined ? {} : { callHome: node['call-home'] }),
      groups: node.groups ?? [],
      labels: { ...labels, ...site?.labels, ...node.labels },
      wariness: node.wariness ?? 0,
      state: node.state ?? 'in-service',
    };
  });
}
