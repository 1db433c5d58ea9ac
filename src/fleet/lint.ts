import { selectDesired } from './select-nodes.js';
import { eachLeaf, parseSelector } from './selector.js';
import { didYouMean } from './suggest.js';
import type { DesiredRuntime, Fleet, FleetNode } from './types.js';

/** Something in a fleet repository that loads, and still is probably a mistake. */
export interface FleetFinding {
  level: 'error' | 'warning';
  /** Stable id of the rule. */
  rule: string;
  file: string;
  message: string;
}

function sharedAddresses(nodes: readonly FleetNode[]): FleetFinding[] {
  const seen = new Map<string, string>();
  const findings: FleetFinding[] = [];
  for (const node of nodes.filter((candidate) => candidate.state !== 'retired')) {
    const key = `${node.address.toLowerCase()} port ${node.port}`;
    const other = seen.get(key);
    if (other !== undefined) {
      findings.push({
        level: 'warning',
        rule: 'same-address',
        file: 'fleet.yaml',
        message: `${node.id} and ${other} have the same address, ${key}`,
      });
    }
    seen.set(key, node.id);
  }
  return findings;
}

function unknownWords(fleet: Fleet, runtime: DesiredRuntime): string[] {
  const known: Record<string, Set<string>> = {
    site: new Set([...(fleet.sites?.keys() ?? []), ...fleet.nodes.map((node) => node.site)]),
    region: new Set(fleet.nodes.map((node) => node.region)),
    state: new Set(['in-service', 'drained', 'retired']),
    group: new Set(fleet.nodes.flatMap((node) => node.groups)),
  };
  const labels = new Set(fleet.nodes.flatMap((node) => Object.keys(node.labels)));
  const messages: string[] = [];
  eachLeaf(parseSelector(runtime.on), (leaf) => {
    if (leaf.kind !== 'match' || ['name', 'node'].includes(leaf.key)) return;
    const values = Object.hasOwn(known, leaf.key) ? known[leaf.key] : undefined;
    if (values === undefined) {
      const label = leaf.key.replace(/^label\./, '');
      const help = didYouMean(leaf.key, [...Object.keys(known), ...labels]);
      if (!labels.has(label)) messages.push(`no node has a label “${label}”${help}`);
      return;
    }
    for (const pattern of leaf.patterns) {
      if (pattern.literal && !values.has(pattern.text)) {
        messages.push(`there is no ${leaf.key} “${pattern.text}”${didYouMean(pattern.text, values)}`);
      }
    }
  });
  return messages;
}

function desiredState(fleet: Fleet): FleetFinding[] {
  const file = 'runtimes.yaml';
  const findings: FleetFinding[] = [];
  const owner = new Map<string, number>();
  const clashes = new Set<string>();
  fleet.runtimes.forEach((runtime, index) => {
    const where = `[${index}] ${runtime.component}`;
    const nodes = selectDesired(fleet, runtime.on);
    for (const message of unknownWords(fleet, runtime))
      findings.push({ level: 'warning', rule: 'selector-word', file, message: `${where}: ${message}` });
    if (nodes.length === 0)
      findings.push({
        level: 'warning',
        rule: 'selects-nothing',
        file,
        message: `${where}: “${runtime.on}” selects no node`,
      });
    for (const node of nodes) {
      const key = `${runtime.component}\n${node.id}`;
      const other = owner.get(key);
      owner.set(key, other ?? index);
      if (other === undefined || clashes.has(`${other} ${index}`)) continue;
      clashes.add(`${other} ${index}`);
      findings.push({
        level: 'error',
        rule: 'two-versions',
        file,
        message: `${where}: [${other}] asks for the same component on ${node.id}`,
      });
    }
  });
  return findings;
}

/** Overlaps, empty selections and unknown words in fleet.yaml and runtimes.yaml. Pure. */
export function lintFleet(fleet: Fleet): FleetFinding[] {
  return [...sharedAddresses(fleet.nodes), ...desiredState(fleet)];
}
