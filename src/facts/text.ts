import type { FactsResult } from './collect.js';
import { factFailures, factRows, factTitles, runtimeRows, runtimeTitles } from './table.js';
import type { Ui } from '../render/ui.js';

/** Facts for people: the machines, the runtimes on them, then who could not be asked and what to do about it. */
export function factsText(results: readonly FactsResult[], ui: Ui): string {
  const machines = factRows(results).map((row) => [ui.fold(row.nodes), ...row.cells]);
  const runtimes = runtimeRows(results).map((row) => [...row.cells, ui.fold(row.nodes)]);
  const failures = factFailures(results);
  const bad = failures.map(({ why, nodes, message }) => {
    const example = nodes.length > 1 ? 'for example, ' : '';
    return `${ui.theme.bad(why)}  ${ui.fold(nodes)}: ${example}${message}`;
  });
  const unknown = failures.find(({ why }) => why === 'host-key-unknown')?.nodes ?? [];
  const blocks = [
    machines.length === 0 ? '' : ui.table(['node', ...factTitles], machines),
    runtimes.length === 0 ? '' : ui.table([...runtimeTitles, 'on'], runtimes),
    bad.join('\n'),
    unknown.length === 0 ? '' : `Next:  edgectl node trust ${unknown.length > 3 ? '--all' : unknown.join(' ')}`,
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}
