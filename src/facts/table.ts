import type { FactsResult } from './collect.js';
import type { NodeFacts } from './facts.js';

/** A group of nodes whose row in the table of facts is the same. */
export interface FactsRow {
  nodes: string[];
  cells: string[];
}

/** Titles of the cells of a {@link FactsRow}. */
export const factTitles = ['os', 'arch', 'kernel', 'init', 'runtimes', 'login'] as const;

/** Fold nodes that look alike into one row each, in order of first appearance. */
export function factRows(results: readonly FactsResult[]): FactsRow[] {
  const rows = new Map<string, FactsRow>();
  for (const result of results) {
    if (!result.ok) continue;
    const cells = cellsOf(result.facts);
    const key = JSON.stringify(cells);
    const row = rows.get(key) ?? { nodes: [], cells };
    row.nodes.push(result.node);
    rows.set(key, row);
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
  const { managed, unmanaged } = facts.components;
  const runtimes = [
    ...Object.entries(managed).map(
      ([name, state]) => `${name} ${state.version}${state.adopted === true ? ' (adopted)' : ''}`,
    ),
    ...Object.entries(unmanaged).map(([name, version]) => `${name} ${version} (not managed)`),
  ];
  const init = facts.init === undefined ? '' : `${facts.init.kind} ${facts.init.version ?? ''}`.trim();
  return [
    facts.os === undefined ? '?' : `${facts.os.id} ${facts.os.version}`.trim(),
    facts.arch ?? '?',
    facts.kernel ?? '?',
    init === '' ? '?' : init,
    runtimes.join(', '),
    facts.kit ? 'kit' : (facts.privilege ?? '?'),
  ];
}
