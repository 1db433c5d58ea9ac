import { stringify } from 'yaml';
import type { RosterNode } from './roster.js';

/** A bundle of the lab's runtime, as runtimes.yaml names it. */
export interface LabBundle {
  version: string;
  digest: string;
  /** One line for the comment beside it. */
  about: string;
}

/** fleet.yaml of a lab. */
export function fleetYaml(fleet: {
  id: string;
  name: string;
  user: string;
  identity: string;
  nodes: readonly (RosterNode & { address?: string; port: number })[];
  /** One line for the head of the file. */
  about: string;
}): string {
  const sites = new Map(fleet.nodes.map((node) => [node.site, { region: node.region }]));
  const regions = [...new Set(fleet.nodes.map((node) => node.region))].sort();
  const document = {
    id: fleet.id,
    name: fleet.name,
    lab: true,
    defaults: { user: fleet.user, identity: fleet.identity },
    regions: Object.fromEntries(regions.map((region) => [region, {}])),
    sites: Object.fromEntries([...sites].sort(([a], [b]) => (a < b ? -1 : 1))),
    nodes: Object.fromEntries(
      fleet.nodes.map(({ id, address, port, site, labels, wariness }) => [
        id,
        { address: address ?? '127.0.0.1', port, site, labels, ...(wariness > 0 ? { wariness } : {}) },
      ]),
    ),
  };
  return `# Made by edgectl lab up. ${fleet.about}\n${stringify(document)}`;
}

/** runtimes.yaml of a lab: wants the first bundle everywhere, and names the others to try. */
export function runtimesYaml(component: string, bundles: readonly LabBundle[]): string {
  const [first, ...others] = bundles;
  if (!first) throw new RangeError('a lab needs a bundle');
  const lines = [
    '# What shall run where. The nodes come up with 1.0.0, as if a distribution had put it there.',
    `- runtime: ${component}`,
    `  version: ${first.version} # ${first.about}`,
    `  digest: sha256:${first.digest}`,
    '',
    '# Try these next: put one in place of the lines above.',
    ...others.flatMap((bundle) => [
      `#  version: ${bundle.version} # ${bundle.about}`,
      `#  digest: sha256:${bundle.digest}`,
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** runtimes.yaml of a lab of real machines: genuine builds that move together. */
export function genuineRuntimesYaml(
  suite: string,
  bundles: readonly { component: string; version: string; digest: string }[],
): string {
  const lines = [
    `# What shall run where: genuine builds of Debian ${suite}. The machines come up with those of their own, older suite.`,
    ...bundles.flatMap(({ component, version, digest }) => [
      `- runtime: ${component}`,
      `  version: ${JSON.stringify(version)}`,
      `  digest: sha256:${digest}`,
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** known_hosts of a lab: each node's key under its own id, as edgectl pins them. */
export function knownHosts(nodes: readonly { id: string; hostPublicKey: string }[]): string {
  return nodes.map(({ id, hostPublicKey }) => `${id} ${hostPublicKey}\n`).join('');
}
