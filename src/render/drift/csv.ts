import type { ReportedDrift } from './reported.js';

const titles = [
  ...['node', 'site', 'class', 'severity', 'kind', 'attribute', 'found', 'expected', 'why', 'run'],
  ...['since', 'seen at', 'written in'],
];

/** Findings as CSV (RFC 4180), one line for each difference on each node. No cell begins as a formula does. */
export function csvOfDrift({ findings, nodes }: ReportedDrift): string {
  const sites = new Map(nodes.map(({ id, site }) => [id, site]));
  const rows = findings.map((finding) => [
    ...[finding.node, sites.get(finding.node) ?? '', finding.class, finding.severity, finding.kind, finding.attribute],
    ...[finding.found ?? '', finding.expected ?? '', finding.why, finding.run ?? ''],
    ...[finding.since ?? '', finding.seenAt ?? ''],
    finding.where === undefined ? '' : `${finding.where.file}:${finding.where.line}`,
  ]);
  return [titles, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** Spreadsheets calculate what begins with one of these characters, quoted or not; an apostrophe makes it text. */
function cell(text: string): string {
  const plain = /^[=+\-@\t\r\n|%]/.test(text) ? `'${text}` : text;
  return /[",\r\n;]/.test(plain) || plain !== text ? `"${plain.replaceAll('"', '""')}"` : plain;
}
