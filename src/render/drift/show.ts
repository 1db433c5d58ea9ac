import type { AttributeDifference } from '../../drift/diff.js';
import type { FoldedFinding } from '../../drift/fold.js';
import { escapeForTerminal as safe } from '../../util/escape.js';
import type { Cell, Ui } from '../ui.js';
import { age, count } from '../units.js';
import { findingLines, inert } from './text.js';

/** What `edgectl drift show` tells of one node. */
export interface ShownNode {
  node: string;
  site: string;
  labels: Readonly<Record<string, string>>;
  at: string;
  /** RFC 3339 UTC; null for never. */
  seenAt: string | null;
  findings: FoldedFinding[];
  attributes: { attribute: string; value: string | null; unknown?: string; since: string; seenAt: string }[];
}

/** The screen of `edgectl drift show`: what differs, then what was seen. */
export function renderShownNode(shown: ShownNode, ui: Ui): string {
  const now = Date.parse(shown.at);
  const labels = Object.entries(shown.labels).map(([key, value]) => `${key}=${value}`);
  const seen = shown.seenAt === null ? 'never seen' : `seen ${age(now - Date.parse(shown.seenAt))}`;
  const lines = [[shown.node, shown.site, ...labels, seen].map((part) => safe(part)).join(' · ')];
  const findings = shown.findings.flatMap((finding) => findingLines(finding, ui, now));
  lines.push('', ...(findings.length > 0 ? findings : [ui.theme.good('  Nothing differs.')]));
  if (shown.attributes.length > 0) {
    const rows = shown.attributes.map(({ attribute, value, unknown, since }): Cell[] => [
      attribute,
      value ?? { text: `not known: ${unknown ?? ''}`, tone: 'warn' },
      age(now - Date.parse(since)).replace(' ago', ''),
    ]);
    lines.push('', ui.table(['attribute', { title: 'value', shrink: true }, 'since'], rows));
  }
  return inert(lines.join('\n'));
}

/** The screen of `edgectl drift diff`. */
export function renderDifferences(
  {
    nodes,
    differences,
    same,
  }: { nodes: readonly [string, string]; differences: readonly AttributeDifference[]; same: number },
  ui: Ui,
): string {
  const side = ({ value, unknown }: AttributeDifference['a']): Cell =>
    value ?? { text: unknown === undefined ? '–' : `not known: ${unknown}`, tone: 'dim' };
  const rows = differences.map(({ attribute, a, b }) => [attribute, side(a), side(b)]);
  const total = `${count(differences.length, 'difference')}, ${count(same, 'attribute')} the same`;
  if (rows.length === 0) return total;
  const [a, b] = nodes;
  const table = ui.table(['attribute', { title: a, shrink: true }, { title: b, shrink: true }], rows);
  return inert(`${table}\n\n${total}`);
}
