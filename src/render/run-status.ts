import type { NodeState, Plan, PlanStage, RunState } from '../plan/types.js';
import { escapeForTerminal as safe } from '../util/escape.js';
import { groupLines, groupNodes, headline, nextCommands, withRemedies } from './summary.js';
import type { SummaryGroup } from './summary.js';
import { stateWords } from './states.js';
import type { Ui } from './ui.js';
import { age, count } from './units.js';
import { wrap } from './width.js';

/** A run as the journal tells it. Plain data, also for the envelope. */
export interface RunStatus {
  run: string;
  kind: Plan['kind'];
  state: RunState;
  exitCode: number | null;
  message: string;
  startedAt: string;
  updatedAt: string;
  finishedAt: string | null;
  /** Who works on it now. */
  holder: { owner: string; host: string; pid: number; since: string } | null;
  stages: {
    name: string;
    nodes: number;
    state: string;
    gate: string | null;
    counts: Partial<Record<NodeState, number>>;
  }[];
  counts: Partial<Record<NodeState, number>>;
  groups: SummaryGroup[];
  next: { what: string; command: string }[];
}

/** What the journal has of a run, put together. A node without a record is where the plan put it. */
export function runStatus(record: {
  run: Omit<RunStatus, 'run' | 'holder' | 'stages' | 'counts' | 'groups' | 'next'> & { id: string };
  plan: Plan;
  nodes: readonly { node: string; stage: string; state: NodeState; why: string | null; message: string }[];
  stages: readonly { stage: string; state: string; gate: string | null }[];
  holder: RunStatus['holder'];
}): RunStatus {
  const { id, ...run } = record.run;
  const known = new Map(record.nodes.map((node) => [node.node, node]));
  const views = record.plan.nodes
    .filter(
      (node) => node.stage !== null || known.has(node.id) || (node.skip !== undefined && node.skip.state !== 'noop'),
    )
    .map((node) => {
      const seen = known.get(node.id);
      const state = seen?.state ?? node.skip?.state ?? 'planned';
      return {
        id: node.id,
        stage: seen?.stage ?? node.stage ?? '',
        state,
        why: seen?.why ?? undefined,
        message: seen?.message ?? node.skip?.why ?? '',
      };
    });
  const counts = tally(views);
  const stages = record.plan.stages.map((stage: PlanStage) => {
    const at = record.stages.find((one) => one.stage === stage.name);
    const inside = views.filter((view) => view.stage === stage.name);
    return {
      name: stage.name,
      nodes: stage.nodes.length,
      state: at?.state ?? 'waiting',
      gate: at?.gate ?? null,
      counts: tally(inside),
    };
  });
  const state: RunState = run.state === 'running' && record.holder === null ? 'interrupted' : run.state;
  const { kind } = run;
  const next =
    record.holder === null
      ? nextCommands(id, state, { counts, kind })
      : [{ what: 'Stop it', command: `edgectl run abort ${id}` }];
  return {
    run: id,
    ...run,
    state,
    holder: record.holder,
    stages,
    counts,
    groups: withRemedies(groupNodes(views), id),
    next,
  };
}

function tally(views: readonly { state: NodeState }[]): Partial<Record<NodeState, number>> {
  const counts: Partial<Record<NodeState, number>> = {};
  for (const { state } of views) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

/** The screen of `edgectl run status`. */
export function renderRunStatus(status: RunStatus, ui: Ui, now: number): string {
  const ago = (at: string): string => age(now - Date.parse(at));
  const ended = status.finishedAt === null ? '' : `, ended ${ago(status.finishedAt)}`;
  const lines = [
    `${ui.theme.strong(`run ${status.run}`)}  ${status.kind}  ${headline(status.state).toLowerCase()}`,
    `started ${ago(status.startedAt)}${ended}`,
  ];
  if (status.holder) {
    const { owner, host, pid, since } = status.holder;
    lines.push(`${safe(owner)} on ${safe(host)} (pid ${pid}) works on it since ${ago(since).replace(' ago', '')}`);
  }
  if (status.message !== '') lines.push(...wrap(safe(status.message), ui.width));
  lines.push(
    '',
    ...stageTable(status, ui)
      .split('\n')
      .map((line) => `  ${line}`),
  );
  const shown = status.groups.filter(({ state }) => state !== 'succeeded' && state !== 'noop');
  if (shown.length > 0) lines.push('', ...shown.flatMap((group) => groupLines(group, ui)));
  const width = Math.max(0, ...status.next.map(({ what }) => what.length));
  if (status.next.length > 0)
    lines.push(
      '',
      ...status.next.map(({ what, command }) => `${`${what}:`.padEnd(width + 1)}  ${ui.theme.accent(command)}`),
    );
  return lines.join('\n');
}

function stageTable(status: RunStatus, ui: Ui): string {
  const rows = status.stages.map((stage) => {
    const states = (Object.entries(stage.counts) as [NodeState, number][]).sort(
      ([a], [b]) => stateWords[b].rank - stateWords[a].rank,
    );
    return [
      stage.name,
      stage.state,
      stage.nodes,
      states.map(([state, number]) => `${number} ${stateWords[state].word}`).join(', '),
      stage.gate ?? '',
    ];
  });
  return ui.table(
    [
      'stage',
      'state',
      { title: 'nodes', align: 'right' },
      { title: 'are', shrink: true },
      { title: 'gate', wide: true },
    ],
    rows,
  );
}

/** The screen of `edgectl run status --node`: everything that the journal has of one node. */
export function renderNodeStatus(
  node: {
    node: string;
    stage: string;
    state: NodeState;
    why: string | null;
    message: string;
    log: string | null;
    updatedAt: string;
  },
  attempts: readonly {
    seq: number;
    attempt: number;
    action: string;
    intentAt: string;
    resultAt: string | null;
    outcome: { kind: string; message: string } | null;
  }[],
  ui: Ui,
  now: number,
): string {
  const lines = [
    `${ui.theme.strong(safe(node.node))}  ${stateWords[node.state].word} (${node.state})  ${age(now - Date.parse(node.updatedAt))}`,
    ...wrap(safe(node.message), ui.width),
    '',
    count(attempts.length, 'step attempt'),
    ...attempts.map(
      ({ seq, attempt, action, intentAt, outcome }) =>
        `  ${intentAt.slice(0, 19)}Z  ${seq}.${attempt}  ${safe(action)}  ${outcome === null ? 'no result yet' : `${outcome.kind}: ${safe(outcome.message)}`}`,
    ),
  ];
  const log = (node.log ?? '').split('\n').filter((line) => line.trim() !== '');
  if (log.length > 0) lines.push('', ...log.map((line) => `  │ ${safe(line)}`));
  return lines.join('\n');
}
