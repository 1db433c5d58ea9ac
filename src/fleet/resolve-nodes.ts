import path from 'node:path';
import type { Problem } from './problem.js';
import type { FleetFile } from './schema/fleet-file.js';
import { didYouMean } from './suggest.js';
import type { FleetNode, FleetSite } from './types.js';
import type { YamlSource } from './yaml-source.js';

/** Site and region of a node that names none. */
export const unplaced = 'default';

/** Sites of fleet.yaml with defaults filled in, and regions that are named but not declared. */
export function resolveSites(
  file: FleetFile,
  source: YamlSource,
): { sites: Map<string, FleetSite>; problems: Problem[] } {
  const regions = file.regions ?? {};
  const problems: Problem[] = [];
  const sites = new Map<string, FleetSite>();
  for (const [id, site] of Object.entries(file.sites ?? {})) {
    if (site.region !== undefined && !Object.hasOwn(regions, site.region)) {
      const message = `sites.${id}.region: there is no region “${site.region}”${didYouMean(site.region, Object.keys(regions)) || '; declare it under regions'}`;
      problems.push({ file: source.file, ...source.placeOf(['sites', id, 'region']), message });
    }
    sites.set(id, {
      region: site.region ?? unplaced,
      labels: site.labels ?? {},
      ...(site.address === undefined ? {} : { address: site.address }),
    });
  }
  return { sites, problems };
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

/** Nodes of fleet.yaml with every default filled in, and sites that are named but not declared. */
export function resolveNodes(
  file: FleetFile,
  source: YamlSource,
  sites: ReadonlyMap<string, FleetSite>,
  paths: KeyPaths,
): { nodes: FleetNode[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const user = file.defaults?.user ?? 'edgectl';
  const port = file.defaults?.port ?? 22;
  const identity = keyList(file.defaults?.identity, paths) ?? [];
  const nodes = Object.entries(file.nodes ?? {}).map(([id, node]): FleetNode => {
    const siteId = node.site ?? unplaced;
    const site = sites.get(siteId);
    if (site === undefined && node.site !== undefined) {
      const message = `nodes.${id}.site: there is no site “${siteId}”${didYouMean(siteId, sites.keys()) || '; declare it under sites'}`;
      problems.push({ file: source.file, ...source.placeOf(['nodes', id, 'site']), message });
    }
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
  return { nodes, problems };
}
