import type { FleetNode } from '../fleet/types.js';
import type { NodePreparation, PrepareRequest, PrepareResult } from '../operations/prepare-nodes.js';
import { nodeStateRow, strongestExit } from '../plan/states.js';
import { mapLimit } from '../util/map-limit.js';
import { runTasks } from './tasks.js';
import type { TaskScreen } from './tasks.js';
import type { Ui } from './ui.js';
import { count } from './units.js';

const atOnce = 16;

/** The question before nodes are prepared or given back. */
export function prepareQuestion(mode: PrepareRequest['mode'], nodes: readonly string[], fleet: string): string {
  const which = nodes.length <= 5 ? nodes.join(', ') : count(nodes.length, 'node');
  return mode === 'undo' ? `Remove edgectl from ${which}?` : `Put the node kit on ${which} for fleet ${fleet}?`;
}

/** Prepares every node, a few at once, with a task list on the screen when there is one. */
export async function prepareAll(
  nodes: readonly FleetNode[],
  preparation: Pick<NodePreparation, 'ready' | 'run'>,
  screen: TaskScreen | undefined,
): Promise<PrepareResult[]> {
  await preparation.ready();
  // In a log, the report says all of it; a list of who began and ended would only stand before it.
  if (screen === undefined || !screen.redraw || nodes.length > atOnce)
    return await mapLimit(nodes, atOnce, async (node) => await preparation.run(node));
  const results = new Map<string, PrepareResult>();
  const tasks = nodes.map((node) => ({
    title: node.id,
    run: async () => {
      const result = await preparation.run(node);
      results.set(node.id, result);
      if (!result.ok) throw new Error(`${node.id}: ${result.message}`);
      return `${node.id}: ${result.message}`;
    },
  }));
  await runTasks(tasks, screen, { concurrent: atOnce, goOn: true });
  return nodes.flatMap((node) => results.get(node.id) ?? []);
}

/** The exit code of a preparation: 4 when every node refused or was refused, else what the states say. */
export function prepareExitCode(results: readonly PrepareResult[]): number {
  const bad = results.filter((result) => !result.ok);
  if (bad.length > 0 && bad.length === results.length && bad.every((result) => result.state === 'refused')) return 4;
  return strongestExit(bad.map((result) => nodeStateRow(result.state).exit));
}

/** What came of a preparation, for people; failures last. */
export function renderPrepare(results: readonly PrepareResult[], mode: PrepareRequest['mode'], ui: Ui): string {
  const good = results.filter((result) => result.ok);
  const lines = [...groups(good)].map(([message, nodes]) => `${ui.theme.good('ok')}  ${ui.fold(nodes)}  ${message}`);
  for (const result of results.filter((candidate) => !candidate.ok)) {
    lines.push(`${ui.theme.bad('✖')}   ${result.node}  ${result.message}`);
    for (const check of result.checks.filter((candidate) => !candidate.ok))
      lines.push(`      ${check.id}: ${check.detail}${check.hint === '' ? '' : ` (${check.hint})`}`);
  }
  if (mode === 'install' && good.length > 0)
    lines.push('', 'Next:  edgectl node facts, then edgectl rollout runtime --dry-run');
  return lines.join('\n');
}

function groups(results: readonly PrepareResult[]): Map<string, string[]> {
  const grouped = new Map<string, string[]>();
  for (const { node, message } of results) grouped.set(message, [...(grouped.get(message) ?? []), node]);
  return grouped;
}
