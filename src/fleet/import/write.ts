import type { Assembled, AssembledNode } from './assemble.js';
import type { Hop } from './model.js';

/** A text for YAML: plain when that is beyond doubt, else as JSON writes it, which YAML reads too. */
function scalar(text: string): string {
  return /^[A-Za-z0-9_./~][A-Za-z0-9_./~@+%=-]*$/.test(text) ? text : JSON.stringify(text);
}

function list(texts: readonly string[]): string {
  return texts.length === 1 && texts[0] !== undefined ? scalar(texts[0]) : `[${texts.map(scalar).join(', ')}]`;
}

function flow(entries: readonly (readonly [string, string | undefined])[]): string {
  const said = entries.filter(([, value]) => value !== undefined);
  return said.length === 0 ? '{}' : `{ ${said.map(([key, value]) => `${scalar(key)}: ${value}`).join(', ')} }`;
}

function reach(
  node: Omit<Hop, 'name'>,
  left: Partial<Record<'user' | 'port' | 'identity', string | undefined>>,
): [string, string | undefined][] {
  const unless = (value: string | undefined, common: string | undefined): string | undefined =>
    value === common ? undefined : value;
  return [
    ['address', scalar(node.address)],
    ['port', unless(node.port?.toString(), left.port)],
    ['user', unless(node.user === undefined ? undefined : scalar(node.user), left.user)],
    ['identity', unless(node.identity.length === 0 ? undefined : list(node.identity), left.identity)],
  ];
}

/** The value that every node gives, if there is one: it is written once, under defaults. */
function common(nodes: readonly AssembledNode[], of: (node: AssembledNode) => string | undefined): string | undefined {
  const [first] = nodes;
  const value = first === undefined || nodes.length < 2 ? undefined : of(first);
  return value !== undefined && nodes.every((node) => of(node) === value) ? value : undefined;
}

function commonLabels(nodes: readonly AssembledNode[]): Record<string, string> {
  const [first, ...others] = nodes;
  if (first === undefined || others.length === 0) return {};
  const same = Object.entries(first.labels).filter(([key, value]) =>
    others.every(({ labels }) => labels[key] === value),
  );
  return Object.fromEntries(same);
}

function labelFlow(labels: Readonly<Record<string, string>>): string | undefined {
  const entries = Object.entries(labels);
  return entries.length === 0 ? undefined : flow(entries.map(([key, value]) => [key, scalar(value)]));
}

function homeFlow(home: Hop['home']): string | undefined {
  return home === undefined
    ? undefined
    : flow(Object.entries(home).map(([key, value]) => [key, value === undefined ? undefined : scalar(String(value))]));
}

/** The text of a file in nodes/: one line a node, what all of them share under defaults. */
export function writeNodesFile(fleet: Assembled, head: readonly string[]): string {
  const nodes = [...fleet.nodes.values()];
  const shared = {
    user: common(nodes, ({ user }) => (user === undefined ? undefined : scalar(user))),
    port: common(nodes, ({ port }) => port?.toString()),
    identity: common(nodes, ({ identity }) => (identity.length === 0 ? undefined : list(identity))),
  };
  const labels = commonLabels(nodes);
  const defaults = flow([...Object.entries(shared), ['labels', labelFlow(labels)]]);
  const lines = [...head.map((line) => `# ${line}`)];
  if (defaults !== '{}') lines.push(`defaults: ${defaults}`);
  if (fleet.bastions.size > 0) lines.push('bastions:');
  for (const [name, hop] of fleet.bastions) {
    // One without keys of its own must not take those of the nodes.
    const none = hop.identity.length === 0 && shared.identity !== undefined;
    lines.push(
      `  ${scalar(name)}: ${flow([...reach(hop, {}), ['identity', none ? '[]' : undefined], ['call-home', homeFlow(hop.home)]])}`,
    );
  }
  if (fleet.regions.size > 0) lines.push('regions:', ...[...fleet.regions].sort().map((name) => `  ${scalar(name)}:`));
  if (fleet.sites.size > 0) lines.push('sites:');
  for (const [name, region] of [...fleet.sites].sort(([a], [b]) => (a < b ? -1 : 1)))
    lines.push(`  ${scalar(name)}: ${flow([['region', region === '' ? undefined : scalar(region)]])}`);
  lines.push(nodes.length === 0 ? 'nodes: {}' : 'nodes:');
  for (const [id, node] of fleet.nodes) {
    const own = Object.fromEntries(Object.entries(node.labels).filter(([key]) => !Object.hasOwn(labels, key)));
    const line = flow([
      ...reach(node, shared),
      ['via', node.via.length === 0 ? undefined : list(node.via)],
      ['transport', node.transport],
      ['call-home', node.callHome === undefined ? undefined : scalar(node.callHome)],
      ['site', node.site === undefined ? undefined : scalar(node.site)],
      ['groups', node.groups.length === 0 ? undefined : `[${node.groups.map(scalar).join(', ')}]`],
      ['labels', labelFlow(own)],
      ['wariness', node.wariness?.toString()],
      ['state', node.state],
    ]);
    lines.push(`  ${scalar(id)}: ${line}`);
  }
  return `${lines.join('\n')}\n`;
}
