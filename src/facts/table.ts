import type { FactsResult } from './collect.js';
import type { NodeFacts } from './facts.js';

/** A group of nodes whose row in the table of facts is the same. */
export interface FactsRow {
  nodes: string[];
  cells: string[];
}

/** Titles of the cells of a {@link FactsRow}. */
export const factTitles = ['os', 'arch', 'kernel', 'init', 'login'] as const;

/** Titles of the cells of {@link runtimeRows}. */
export const runtimeTitles = ['runtime', 'version', 'whose'] as const;

/** Fold nodes that look alike into one row each, in order of first appearance. */
export function factRows(results: readonly FactsResult[]): FactsRow[] {
  return folded(results, (facts) => [cellsOf(facts)]);
}

/** Each version of each runtime with the nodes that have it: by runtime, the most nodes first. */
export function runtimeRows(results: readonly FactsResult[]): FactsRow[] {
  const rows = folded(results, ({ components: { managed, unmanaged } }) => [
    ...Object.entries(managed).map(([name, { version, adopted }]) => [name, version, adopted ? 'adopted' : 'edgectl']),
    ...Object.entries(unmanaged).map(([name, version]) => [
      name,
      version,
      name === 'kit' ? 'prepared' : 'distribution',
    ]),
  ]);
  const nameOf = (row: FactsRow): string => row.cells[0] ?? '';
  return rows.sort((a, b) =>
    nameOf(a) === nameOf(b) ? b.nodes.length - a.nodes.length : nameOf(a) < nameOf(b) ? -1 : 1,
  );
}

function folded(results: readonly FactsResult[], rowsOf: (facts: NodeFacts) => string[][]): FactsRow[] {
  const rows = new Map<string, FactsRow>();
  for (const result of results) {
    if (!result.ok) continue;
    for (const cells of rowsOf(result.facts)) {
      const key = JSON.stringify(cells);
      const row = rows.get(key) ?? { nodes: [], cells };
      row.nodes.push(result.node);
      rows.set(key, row);
    }
  }
  return [...rows.values()];
}

/** Fold nodes that failed for the same reason. */
export function factFailures(results: readonly FactsResult[]): { nodes: string[]; why: string; message: string }[] {
  const groups = new Map<string, { nodes: string[]; why: string; message: string }>();
  for (const result of results) {
    if (result.ok) continue;
    const group = groups.get(result.why) ?? { nodes: [], why: result.why, message: result.message };
    group.nodes.push(result.node);
    groups.set(result.why, group);
  }
  return [...groups.values()];
}

function cellsOf(facts: NodeFacts): string[] {
  const init = facts.init === undefined ? '' : `${facts.init.kind} ${facts.init.version ?? ''}`.trim();
  return [
    facts.os === undefined ? '?' : `${facts.os.id} ${facts.os.version}`.trim(),
    facts.arch ?? '?',
    facts.kernel ?? '?',
    init === '' ? '?' : init,
    facts.kit ? `kit ${facts.kitIdentity?.version ?? ''}`.trim() : (facts.privilege ?? '?'),
  ];
}
