import type { Problem } from './problem.js';
import { resolveBastions, resolveNodes, resolveSites } from './resolve-nodes.js';
import type { KeyPaths } from './resolve-nodes.js';
import type { NodesFile } from './schema/fleet-file.js';
import type { Bastion, FleetNode, FleetSite } from './types.js';
import type { YamlSource } from './yaml-source.js';

/** One file of nodes: fleet.yaml, a file in nodes/, or what a dynamic source printed. */
export interface Part {
  file: string;
  value: NodesFile;
  source: YamlSource;
}

/** What several parts declare twice. Sites, regions and bastions may be said again in the same words; nodes may not. */
export function repeated(parts: readonly Part[]): Problem[] {
  const problems: Problem[] = [];
  for (const section of ['regions', 'sites', 'bastions', 'nodes'] as const) {
    const seen = new Map<string, { file: string; said: string }>();
    for (const { file, value, source } of parts) {
      for (const [name, entry] of Object.entries(value[section] ?? {})) {
        const first = seen.get(name);
        // Ten thousand nodes are not written out only to be compared with nothing.
        const said = section === 'nodes' ? '' : JSON.stringify(entry);
        if (first === undefined) seen.set(name, { file, said });
        else if (section === 'nodes' || first.said !== said) {
          const what = section === 'nodes' ? 'is there already' : 'is declared otherwise';
          const message = `${section}.${name}: ${what}, in ${first.file}`;
          problems.push({ file, ...source.placeOfKey([section, name]), message });
        }
      }
    }
  }
  return problems;
}

/** All parts as one fleet. The first is fleet.yaml; its defaults stand behind those of every other part. */
export function resolveParts(
  parts: readonly Part[],
  paths: KeyPaths,
): { nodes: FleetNode[]; sites: Map<string, FleetSite>; bastions: Map<string, Bastion> } {
  const defaults = parts[0]?.value.defaults;
  const sites = new Map(parts.flatMap(({ value }) => [...resolveSites(value)]));
  const bastions = new Map(
    parts.flatMap(({ value }) => [
      ...resolveBastions({ ...value, defaults: { ...defaults, ...value.defaults } }, paths),
    ]),
  );
  const nodes = parts.flatMap(({ value }) => resolveNodes(value, { sites, bastions, paths, defaults }));
  return { nodes, sites, bastions };
}
