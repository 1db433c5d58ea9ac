import type { NodeState, Plan, RunState } from '../plan/types.js';
import { escapeForTerminal as safe } from '../util/escape.js';
import type { NodeView, RunView } from './run-view.js';
import { type Remark, remarksOn } from './remarks.js';
import { remedyFor } from './remedies.js';
import { stateWords, wordOf } from './states.js';
import type { Ui } from './ui.js';
import { count, duration } from './units.js';
import { cut, pad, wrap } from './width.js';

/** One group of nodes that came to the same end for the same reason. */
export interface SummaryGroup {
  state: NodeState;
  why?: string;
  message: string;
  nodes: string[];
  /** What to type for the first of them. */
  next?: string;
}

/** The result of a run for the envelope. */
export interface RunSummary {
  run: string;
  fleet: string;
  state: RunState;
  message: string;
  elapsedMs: number;
  counts: Partial<Record<NodeState, number>>;
  groups: SummaryGroup[];
  /** Nodes that came through, but not as the others did. */
  remarks: Remark[];
  /** Commands to run next, ready to paste; the most important one last. */
  next: { what: string; command: string }[];
}

const logNodes = 3;
const logLines = 20;
const quiet: ReadonlySet<NodeState> = new Set<NodeState>(['succeeded', 'noop', 'planned']);

/** What a finished run came to, as plain data. Returns undefined before the run has finished. */
export function summarise(view: RunView, kind: Plan['kind'] = 'runtime'): RunSummary | undefined {
  if (!view.end) return undefined;
  const { state, message, elapsedMs, counts } = view.end;
  const groups = withRemedies(groupNodes([...view.nodes.values()]), view.run);
  const next = nextCommands(view.run, state, { counts, kind });
  return {
    run: view.run,
    fleet: view.fleet,
    state,
    message,
    elapsedMs,
    counts,
    groups,
    remarks: remarksOn(view),
    next,
  };
}

/** The screen at the end of a run: what it came to, who is not where they should be and why, what to do next (last). */
export function renderSummary(view: RunView, summary: RunSummary, ui: Ui): string {
  const head = headline(summary.state);
  const opening = wrap(`${head} in ${duration(summary.elapsedMs)}: ${totals(summary)}.`, ui.width);
  const lines = opening.map((line) => (line.startsWith(head) ? ui.theme.strong(head) + line.slice(head.length) : line));
  if (view.end !== undefined && view.end.open !== '') lines.push(...wrap(safe(view.end.open), ui.width));
  const shown = summary.groups.filter((group) => !quiet.has(group.state));
  if (shown.length > 0) lines.push('');
  let logs = 0;
  let example: string | undefined;
  for (const group of shown) {
    lines.push(...groupLines(group, ui));
    for (const id of group.nodes) {
      const log = view.nodes.get(id)?.log;
      if (log === undefined || log.trim() === '' || logs >= logNodes) continue;
      logs += 1;
      example ??= id;
      lines.push(...logBlock(group.nodes.length > 1 ? id : undefined, log, ui));
    }
  }
  if (summary.remarks.length > 0) lines.push('', ...summary.remarks.flatMap((remark) => remarkLines(remark, ui)));
  // The beginning of a run id will do where lines are short.
  const id = ui.width < 100 ? summary.run.slice(0, 14) : summary.run;
  const explained =
    example === undefined ? [] : [{ what: 'Why, in full', command: `edgectl run explain ${id} ${example}` }];
  const next = [...explained, ...summary.next];
  const width = Math.max(0, ...next.map(({ what }) => what.length));
  if (next.length > 0) lines.push('');
  lines.push(...next.map(({ what, command }) => `${pad(`${what}:`, width + 1)}  ${ui.theme.accent(command)}`));
  return lines.join('\n');
}

/** Nodes with the same state, reason and message together; what asks most for attention first. */
export function groupNodes(nodes: readonly Pick<NodeView, 'id' | 'state' | 'why' | 'message'>[]): SummaryGroup[] {
  const groups = new Map<string, SummaryGroup>();
  for (const { id, state, why, message } of nodes) {
    const text = quiet.has(state) ? '' : withoutName(message, id);
    const key = `${state}\0${why ?? ''}\0${text}`;
    const group = groups.get(key);
    if (group) group.nodes.push(id);
    else groups.set(key, { state, ...(why === undefined ? {} : { why }), message: text, nodes: [id] });
  }
  return [...groups.values()]
    .map((group) => ({ ...group, nodes: group.nodes.sort() }))
    .sort((a, b) => stateWords[a.state].rank - stateWords[b.state].rank || b.nodes.length - a.nodes.length);
}

/** The message with `it` for the node's name, so that equal messages are equal; not where the name is part of a path or of another name. */
function withoutName(message: string, id: string): string {
  return message.includes(id)
    ? message.replaceAll(
        new RegExp(`(?<![\\w./-])${id.replaceAll(/[.*+?^${}()|[\]\\]/gu, '\\$&')}(?![\\w/-]|\\.\\w)`, 'gu'),
        'it',
      )
    : message;
}

/** The groups, each with what to type for its first node where there is something to do. */
export function withRemedies(groups: SummaryGroup[], run: string): SummaryGroup[] {
  return groups.map((group) => {
    const [node] = group.nodes;
    const next = node === undefined ? undefined : remedyFor({ ...group, node, run });
    return next === undefined ? group : { ...group, next };
  });
}

/** How a run came out, in words. */
export function headline(state: RunState): string {
  const words: Record<RunState, string> = {
    waiting: 'Waiting',
    running: 'Running',
    paused: 'Paused',
    halted: 'Halted',
    interrupted: 'Interrupted',
    aborted: 'Aborted',
    failed: 'Failed',
    rolled_back: 'Rolled back',
    succeeded: 'Finished',
    succeeded_with_stragglers: 'Finished with stragglers',
  };
  return words[state];
}

function totals({ counts, groups }: RunSummary): string {
  const vetoed = groups.reduce(
    (sum, group) => sum + (group.state === 'blocked' && group.why === 'veto' ? group.nodes.length : 0),
    0,
  );
  const entries = (Object.entries(counts) as [NodeState, number][]).filter(([, number]) => number > 0);
  const parts = entries
    .sort(([a], [b]) => order(a) - order(b))
    .flatMap(([state, number]) => {
      if (state === 'succeeded') return [`${number} succeeded`];
      if (state !== 'blocked' || vetoed === 0) return [`${number} ${wordOf(state)}`];
      return [`${vetoed} vetoed`, ...(number > vetoed ? [`${number - vetoed} blocked`] : [])];
    });
  return parts.length === 0 ? count(0, 'node') : parts.join(', ');
}

/** What went well comes first, then what asks most for attention. */
function order(state: NodeState): number {
  return state === 'succeeded' ? -2 : state === 'noop' ? -1 : stateWords[state].rank;
}

/** The lines of one group: state, folded names, message; then the code of the reason and what to type. */
export function groupLines(group: SummaryGroup, ui: Ui): string[] {
  const { tone } = stateWords[group.state];
  const label = ui.theme[tone](pad(wordOf(group.state, group.why), 10));
  return [...namedLines(label, group, ui), ...remedyLines(group.why?.split(':', 1)[0] ?? '', group.next, ui)];
}

function remarkLines({ code, nodes, message, next }: Remark, ui: Ui): string[] {
  return [...namedLines(ui.theme.warn(pad(code, 10)), { nodes, message }, ui), ...remedyLines('', next, ui)];
}

function namedLines(label: string, { nodes, message }: Pick<SummaryGroup, 'nodes' | 'message'>, ui: Ui): string[] {
  const names = safe(ui.fold(nodes));
  const room = Math.max(30, ui.width - 14);
  const short = names.length <= 24;
  const first = short ? wrap(safe(message), room - names.length - 2) : [];
  const head = `  ${label}  `;
  if (short)
    return first.map((line, at) =>
      at === 0 ? `${head}${names}  ${line}`.trimEnd() : `${' '.repeat(14 + names.length + 2)}${line}`,
    );
  const folded = wrap(names, room).map((line, at) => `${at === 0 ? head : ' '.repeat(14)}${line}`);
  return [...folded, ...wrap(safe(message), room).map((line) => `${' '.repeat(14)}${line}`.trimEnd())];
}

function remedyLines(code: string, next: string | undefined, ui: Ui): string[] {
  if (next === undefined) return [];
  // The beginning of a run id will do where lines are short.
  const command = ui.width < 100 ? next.replaceAll(/\b([0-9A-Z]{14})[0-9A-Z]{12}\b/gu, '$1') : next;
  // What is no code is the message again.
  const tag = !/^[A-Za-z][\w-]{1,30}$/u.test(code) ? '' : `  ${ui.theme.dim(`(${safe(code)})`)}`;
  return [
    `${' '.repeat(14)}${ui.theme.accent(safe(command))}${command.length + code.length + 18 > ui.width ? '' : tag}`,
  ];
}

function logBlock(node: string | undefined, log: string, ui: Ui): string[] {
  const lines = log
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-logLines);
  const shown = lines.map((line) => `            │ ${cut(safe(line), ui.width - 14)}`);
  return node === undefined ? shown : [`            ${safe(node)}`, ...shown];
}

/** Commands for a run in that state; the most important one last. */
export function nextCommands(
  run: string,
  state: RunState,
  { counts, kind }: { counts: Partial<Record<NodeState, number>>; kind: Plan['kind'] },
): { what: string; command: string }[] {
  const number = (...states: readonly NodeState[]): number => states.reduce((sum, one) => sum + (counts[one] ?? 0), 0);
  const resume = `edgectl resume ${run}`;
  const undo =
    kind === 'runtime' && number('succeeded', 'soaking') > 0
      ? [{ what: 'Undo everything', command: `edgectl rollback ${run}` }]
      : [];
  const absent = number('offline', 'blocked', 'late', 'in_doubt', 'planned', 'timed_out');
  switch (state) {
    case 'succeeded':
      return kind === 'prepare' ? [{ what: 'Next', command: 'edgectl rollout runtime --dry-run' }] : undo;
    case 'succeeded_with_stragglers':
      return [
        ...undo,
        ...(absent > 0
          ? [{ what: 'When they are back', command: resume }]
          : [{ what: 'Look at it', command: `edgectl run status ${run}` }]),
      ];
    case 'rolled_back':
    case 'aborted':
    case 'failed':
      return [...undo, { what: 'Look at it', command: `edgectl run status ${run}` }];
    case 'halted':
      return [
        { what: 'Look at it', command: `edgectl run status ${run}` },
        { what: 'Go on', command: resume },
        ...undo,
      ];
    default:
      return [...undo, { what: 'Go on', command: resume }];
  }
}
