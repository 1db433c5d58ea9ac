import type { NodeState } from '../plan/types.js';
import { escapeForTerminal as safe } from '../util/escape.js';
import type { NodeView, RunView, StageView } from './run-view.js';
import { settled, stateWords } from './states.js';
import type { Ui } from './ui.js';
import { bytes, duration, stopwatch, timeOfDay } from './units.js';
import { cut, pad } from './width.js';

/** Rows that the live view takes at most, whatever the size of the fleet. */
export const frameRows = 10;

/** The live view of a run: one row for the run, one per stage (folded when many), the slowest nodes, the newest lines. */
export function renderFrame(view: RunView, ui: Ui, now: number): string[] {
  const rows = [title(view, ui.width, now)];
  const stages = shownStages([...view.stages.values()]);
  const nameWidth = Math.min(16, Math.max(6, ...stages.map((stage) => stage.name.length)));
  rows.push(...stages.map((stage) => stageRow(stage, nameWidth, ui)));
  const hidden = view.stages.size - stages.length;
  if (hidden > 0) rows.push(`  … ${hidden} more stages`);
  const slow = slowest(view, now);
  if (slow !== '') rows.push(`  slowest  ${slow}`);
  const room = frameRows - rows.length;
  const newest = view.recent.slice(-Math.min(4, Math.max(0, room))).reverse();
  rows.push(
    ...newest.map(
      ({ at, node, text }) => `  ${timeOfDay(at)} ${node === undefined ? '' : `${safe(node)} `}${safe(text)}`,
    ),
  );
  return rows.slice(0, frameRows).map((row, at) => {
    const line = row.includes('\u001B') ? row : cut(row, ui.width);
    return at === 0 ? ui.theme.strong(line) : line;
  });
}

function title(view: RunView, width: number, now: number): string {
  const started = view.startedAt ?? now;
  const stages = [...view.stages.values()];
  const at = Math.max(1, stages.filter((stage) => stage.started).length);
  const current = stages[at - 1];
  const where = current === undefined ? '' : `  ${current.name} ${at}/${stages.length}`;
  const left = remaining(view, now - started);
  const estimate = left === undefined ? '' : `, about ${duration(left)} left`;
  const signal = view.watching
    ? 'watching'
    : view.signalled === undefined
      ? 'Ctrl-C drains'
      : 'draining, Ctrl-C detaches';
  const id = width < 100 ? `${view.run.slice(0, 6)}…` : view.run;
  return `run ${id}  ${safe(view.fleet)}${where}  ${stopwatch(now - started)} elapsed${estimate}  ${signal}`;
}

/** Linear estimate from the nodes that are through; undefined until three are, or a tenth. */
function remaining(view: RunView, elapsed: number): number | undefined {
  const done = view.count(...settled);
  if (done < 3 || done < view.total / 10 || done >= view.total) return undefined;
  const ms = (elapsed / done) * (view.total - done);
  return ms < 60_000 ? Math.ceil(ms / 5000) * 5000 : Math.ceil(ms / 60_000) * 60_000;
}

/** At most four stages: those under way or next, else the last ones. */
function shownStages(stages: readonly StageView[]): readonly StageView[] {
  if (stages.length <= 4) return stages;
  const current = Math.max(
    0,
    stages.findLastIndex((stage) => stage.started),
  );
  const first = Math.min(Math.max(0, current - 1), stages.length - 4);
  return stages.slice(first, first + 4);
}

function stageRow(stage: StageView, nameWidth: number, ui: Ui): string {
  const entries = Object.entries(stage.counts) as [NodeState, number][];
  const done = entries.reduce((sum, [state, number]) => sum + (settled.has(state) ? number : 0), 0);
  const good = (stage.counts.succeeded ?? 0) + (stage.counts.noop ?? 0) + (stage.counts.soaking ?? 0);
  const cells = stage.nodes === 0 ? 0 : Math.floor((10 * Math.max(done, good)) / stage.nodes);
  const bar = '█'.repeat(cells) + '░'.repeat(10 - cells);
  const rest = entries
    .filter(
      ([state, number]) =>
        number > 0 && state !== 'succeeded' && state !== 'noop' && state !== 'soaking' && state !== 'planned',
    )
    .sort(([a], [b]) => stateWords[b].rank - stateWords[a].rank)
    .map(([state, number]) => `${number} ${stateWords[state].word}`);
  const known = entries.reduce((sum, [, number]) => sum + number, 0);
  const waiting = stage.nodes - known + (stage.counts.planned ?? 0);
  const parts = [`${good}/${stage.nodes} ok`, ...rest, ...(waiting > 0 ? [`${waiting} waiting`] : [])];
  const gate = stage.gate === undefined ? soak(stage) : `gate ${stage.gate}`;
  const row = cut(
    `  ${pad(cut(stage.name, nameWidth), nameWidth)}  ${bar}  ${parts.join('  ')}${gate === '' ? '' : `  ${gate}`}`,
    ui.width,
  );
  if (ui.theme.level === 0) return row;
  const tone = entries.some(([state, number]) => number > 0 && stateWords[state].tone === 'bad')
    ? ui.theme.bad
    : ui.theme.good;
  return row.replace('█'.repeat(cells), tone('█'.repeat(cells)));
}

function soak(stage: StageView): string {
  return stage.soakMs === undefined ? '' : `soaking ${duration(stage.soakMs)}`;
}

/** Two nodes that something has been happening on for longest. */
function slowest(view: RunView, now: number): string {
  const shown: string[] = [];
  for (const id of view.busy) {
    const node = view.nodes.get(id);
    if (node) shown.push(`${safe(id)} ${doing(node)} ${duration(now - node.since)}`);
    if (shown.length === 2) break;
  }
  return shown.join(' · ');
}

function doing({ progress, state }: NodeView): string {
  if (progress === undefined) return stateWords[state].word;
  if (progress.passes !== undefined && progress.needed !== undefined)
    return `health ${progress.passes}/${progress.needed}`;
  if (progress.bytes !== undefined && progress.total !== undefined)
    return `${bytes(progress.bytes)} of ${bytes(progress.total)}`;
  return safe(progress.message);
}
