import path from 'node:path';
import type { FleetFile } from './schema/fleet-file.js';
import type { FleetNode, FleetSite } from './types.js';

/** Site and region of a node that names none. */
export const unplaced = 'default';

/** Sites of fleet.yaml with defaults filled in. */
export function resolveSites(file: FleetFile): Map<string, FleetSite> {
  return new Map(
    Object.entries(file.sites ?? {}).map(([id, site]) => [
      id,
      {
        region: site.region ?? unplaced,
        labels: site.labels ?? {},
        ...(site.address === undefined ? {} : { address: site.address }),
      },
    ]),
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

function keyList(written: string | string[] | undefined, paths: KeyPaths): readonly string[] | undefined {
  if (written === undefined) return undefined;
  return (typeof written === 'string' ? [written] : written).map((entry) => keyPath(entry, paths));
}

/** Nodes of fleet.yaml with every default filled in. */
export function resolveNodes(file: FleetFile, sites: ReadonlyMap<string, FleetSite>, paths: KeyPaths): FleetNode[] {
  const user = file.defaults?.user ?? 'edgectl';
  const port = file.defaults?.port ?? 22;
  const identity = keyList(file.defaults?.identity, paths) ?? [];
  return Object.entries(file.nodes ?? {}).map(([id, node]): FleetNode => {
    const siteId = node.site ?? unplaced;
    const site = sites.get(siteId);
    return {
      id,
      address: node.address,
      port: node.port ?? port,
      user: node.user ?? user,
      identity: keyList(node.identity, paths) ?? identity,
      site: siteId,
      region: site?.region ?? unplaced,
      labels: { ...site?.labels, ...node.labels },
      wariness: node.wariness ?? 0,
      state: node.state ?? 'in-service',
    };
  });
}
