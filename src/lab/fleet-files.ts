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
  nodes: readonly (RosterNode & { port: number })[];
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
      fleet.nodes.map(({ id, port, site, labels }) => [id, { address: '127.0.0.1', port, site, labels }]),
    ),
  };
  return `# Made by edgectl lab up. Every node is a directory on this computer: a sandbox to rehearse in.\n${stringify(document)}`;
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
    ...others.flatMap((bundle) => [`#  version: ${bundle.version} # ${bundle.about}`, `#  digest: sha256:${bundle.digest}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** policies/rehearsal.yaml: the built-in rehearsal policy written out, to be changed and tried. */
export function rehearsalYaml(): string {
  return `# Short times, so that a rehearsal takes a minute. The stages, gates and protocol are those of a real rollout.
description: for the lab only
rehearsal: true
health: { window: 10s, passes: 3, cap: 60s, confirm: 60s }
stages:
  - name: canary
    select: { limit: 5% }
    concurrency: 10
    budget: { groupBy: site, maxUnavailable: 1 }
    nodeDeadline: 3m
    progressDeadline: 4m
    offline: { mode: defer, max: 20% }
    gate: { success: 90%, minSample: 3, maxFailed: 0, onFail: pause }
    soak: 2s
  - name: rest
    concurrency: 25%
    budget: { groupBy: site, maxUnavailable: 1 }
    nodeDeadline: 3m
    progressDeadline: 4m
    offline: { mode: defer, max: 20% }
    gate: { success: 90%, minSample: 1, maxFailed: 2, onFail: pause }
`;
}

/** known_hosts of a lab: each node's key under its own id, as edgectl pins them. */
export function knownHosts(nodes: readonly { id: string; hostPublicKey: string }[]): string {
  return nodes.map(({ id, hostPublicKey }) => `${id} ${hostPublicKey}\n`).join('');
}
