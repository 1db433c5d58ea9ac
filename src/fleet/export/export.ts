import { nameFrom } from '../import/assemble.js';
import type { Assembled } from '../import/assemble.js';
import { quoteWord } from '../import/shell-words.js';
import { writeNodesFile } from '../import/write.js';
import { unplaced } from '../resolve-nodes.js';
import type { FleetNode } from '../types.js';
import { extraOf, hopText, isPlainVariable } from './extra.js';

/** Formats that a fleet can be written in. */
export const exportFormats = ['nodes', 'ansible-ini', 'ansible-yaml', 'ssh-config', 'csv'] as const;
export type ExportFormat = (typeof exportFormats)[number];

const writers: Readonly<Record<ExportFormat, (nodes: readonly FleetNode[]) => string>> = {
  nodes: toNodesFile,
  'ansible-ini': toAnsibleIni,
  'ansible-yaml': toAnsibleYaml,
  'ssh-config': toSshConfig,
  csv: toCsv,
};

/** Writes nodes in a format; importing that text gives the same nodes again. Pure. */
export function exportNodes(nodes: readonly FleetNode[], format: ExportFormat): string {
  return writers[format](nodes);
}

/** Variables of a host, and everything that Ansible has no variable for under `edgectl_node`. */
function hostVars(node: FleetNode): [string, string][] {
  const [first, ...more] = node.identity;
  const kept = Object.entries(node.labels).filter(([key, value]) => isPlainVariable(key, value));
  const rest = Object.entries(node.labels).filter(([key, value]) => !isPlainVariable(key, value));
  const extra = {
    ...extraOf(node, unplaced),
    ...(more.length > 0 ? { identity: node.identity } : {}),
    ...(rest.length > 0 ? { labels: Object.fromEntries(rest) } : {}),
  };
  const jumps = node.via.map(hopText).join(',');
  return [
    ['ansible_host', node.address],
    ['ansible_port', String(node.port)],
    ['ansible_user', node.user],
    ...(first === undefined ? [] : [['ansible_ssh_private_key_file', first] as [string, string]]),
    ...(jumps === '' ? [] : [['ansible_ssh_common_args', `-J ${jumps}`] as [string, string]]),
    ...kept,
    ...(Object.keys(extra).length === 0 ? [] : [['edgectl_node', JSON.stringify(extra)] as [string, string]]),
  ];
}

function groupsOf(nodes: readonly FleetNode[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const node of nodes) for (const group of node.groups) groups.set(group, [...(groups.get(group) ?? []), node.id]);
  return groups;
}

/** A value as Ansible's INI reader takes it: a Python text within a shell word. */
function iniWord(value: string): string {
  if (/^[A-Za-z0-9_@%+:,./~-]+$/.test(value)) return value;
  return quoteWord(
    `'${value.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}'`,
  );
}

function toAnsibleIni(nodes: readonly FleetNode[]): string {
  const hosts = nodes.map((node) =>
    [node.id, ...hostVars(node).map(([key, value]) => `${key}=${iniWord(value)}`)].join(' '),
  );
  const groups = [...groupsOf(nodes)].map(([group, ids]) => ['', `[${group}]`, ...ids].join('\n'));
  return `${[...hosts, ...groups].join('\n')}\n`;
}

function toAnsibleYaml(nodes: readonly FleetNode[]): string {
  const lines = ['all:', '  hosts:'];
  for (const node of nodes) {
    lines.push(`    ${JSON.stringify(node.id)}:`);
    for (const [key, value] of hostVars(node)) lines.push(`      ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  }
  const groups = groupsOf(nodes);
  if (groups.size > 0) lines.push('  children:');
  for (const [group, ids] of groups) {
    lines.push(`    ${JSON.stringify(group)}:`, '      hosts:', ...ids.map((id) => `        ${JSON.stringify(id)}:`));
  }
  return `${lines.join('\n')}\n`;
}

function sshWord(text: string): string {
  return /^[A-Za-z0-9_@%+:,./~-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function toSshConfig(nodes: readonly FleetNode[]): string {
  const blocks = nodes.map((node) => {
    const extra = { ...extraOf(node, unplaced), groups: node.groups, labels: node.labels };
    return [
      `Host ${node.id}`,
      `  # edgectl: ${JSON.stringify(extra)}`,
      `  HostName ${sshWord(node.address)}`,
      `  Port ${node.port}`,
      `  User ${sshWord(node.user)}`,
      ...node.identity.map((path) => `  IdentityFile ${sshWord(path.replaceAll('%', '%%'))}`),
      ...(node.via.length === 0 ? [] : [`  ProxyJump ${node.via.map(hopText).join(',')}`]),
    ].join('\n');
  });
  return `${blocks.join('\n\n')}\n`;
}

function toCsv(nodes: readonly FleetNode[]): string {
  const cell = (text: string): string => (/[",;\t|\n\r]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const titles = ['name', 'address', 'port', 'user', 'site', 'region', 'groups', 'edgectl_node'];
  const rows = nodes.map((node) => {
    const { site: _site, region: _region, ...extra } = extraOf(node, unplaced);
    const own = { ...extra, identity: node.identity, labels: node.labels };
    const place = (name: string): string => (name === unplaced ? '' : name);
    return [
      node.id,
      node.address,
      String(node.port),
      node.user,
      place(node.site),
      place(node.region),
      node.groups.join('|'),
      JSON.stringify(own),
    ];
  });
  return [titles, ...rows].map((row) => `${row.map(cell).join(',')}\n`).join('');
}

function toNodesFile(nodes: readonly FleetNode[]): string {
  const fleet: Assembled = { bastions: new Map(), regions: new Set(), sites: new Map(), nodes: new Map(), remarks: [] };
  for (const node of nodes) {
    const { id, address, port, user, identity, groups, labels, transport, state, wariness, callHome } = node;
    for (const { name, callHome: home, ...hop } of node.via)
      fleet.bastions.set(name, home === undefined ? hop : { ...hop, home });
    if (node.region !== unplaced) fleet.regions.add(node.region);
    if (node.site !== unplaced) fleet.sites.set(nameFrom(node.site), node.region === unplaced ? '' : node.region);
    fleet.nodes.set(id, {
      ...{ address, port, user, identity, groups, labels },
      via: node.via.map((hop) => hop.name),
      origin: { file: '', line: 0 },
      ...(node.site === unplaced ? {} : { site: node.site }),
      ...(transport === 'ssh' ? {} : { transport }),
      ...(state === 'in-service' ? {} : { state }),
      ...(wariness === 0 ? {} : { wariness }),
      ...(callHome === undefined ? {} : { callHome }),
    });
  }
  return writeNodesFile(fleet, []);
}
