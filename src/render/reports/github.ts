import { nodeStateRow } from '../../plan/states.js';
import { foldNames } from '../../plan/ranges.js';
import { escapeForTerminal as safe } from '../../util/escape.js';
import { wordOf } from '../states.js';
import { groupNodes, headline, type SummaryGroup } from '../summary.js';
import { duration } from '../units.js';
import type { ReportedError, ReportedRun } from './types.js';

/** Annotations of one kind that GitHub keeps of a step; the rest would be dropped without a word. */
const maxAnnotations = 10;
/** A step summary above 1 MiB is dropped as a whole. */
const maxSummaryBytes = 1_000_000;

type Kind = 'error' | 'warning' | 'notice';

/** The lines that tell GitHub Actions what became of a run: at most ten annotations of a kind, nodes with the same end folded. */
export function annotationsOfRun(run: ReportedRun): string[] {
  const kinds: Record<Kind, string[]> = { error: [], warning: [], notice: [] };
  for (const group of groups(run)) {
    const kind = kindOf(group);
    if (kind === undefined) continue;
    const nodes = foldNames(group.nodes);
    kinds[kind].push(annotation(kind, `${wordOf(group.state, group.why)}: ${nodes}`, group.message || group.state));
  }
  kinds.notice.push(annotation('notice', `edgectl ${run.command}`, sentence(run)));
  return Object.entries(kinds).flatMap(([kind, lines]) => capped(kind as Kind, lines));
}

/** The annotation of a command that did not come to a run. */
export function annotationsOfError(error: ReportedError): string[] {
  const text = error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
  return [annotation('error', error.code, text)];
}

/** The run as Markdown for the step summary; text from nodes stands in code spans of HTML, where nothing of it means anything. */
export function summaryOfRun(run: ReportedRun): string {
  const rows = groups(run).map(
    (group) =>
      `| ${wordOf(group.state, group.why)} | ${group.nodes.length} | ${code(foldNames(group.nodes))} | ${code(group.message)} |`,
  );
  const next = run.next.map(({ what, command }) => `- ${what}: ${code(command)}`);
  const lines = [
    `### edgectl ${run.command}: ${headline(run.state).toLowerCase()}`,
    '',
    `${html(sentence(run))} Run ${code(run.run)}, exit code ${run.exitCode}.`,
    '',
    '| state | nodes | which | why |',
    '|---|---:|---|---|',
  ];
  return fitted(lines, rows, ['', ...next, '']);
}

/** GitHub reads no commands between the first line and the second, whatever a node prints. `token` must not be guessable. */
export function commandStop(token: string): { stop: string; resume: string } {
  return { stop: `::stop-commands::${token}\n`, resume: `::${token}::\n` };
}

function groups(run: ReportedRun): SummaryGroup[] {
  return groupNodes(run.nodes.map(({ node, ...rest }) => ({ id: node, why: undefined, ...rest })));
}

function kindOf(group: SummaryGroup): Kind | undefined {
  const { scored, exit } = nodeStateRow(group.state);
  if (scored === 'failure' || exit === 1) return 'error';
  return exit === 3 ? 'warning' : undefined;
}

function capped(kind: Kind, lines: readonly string[]): string[] {
  if (lines.length <= maxAnnotations) return [...lines];
  const more = lines.length - maxAnnotations + 1;
  const rest = annotation(kind, 'and more', `${more} more of this kind stand in the step summary`);
  return [...lines.slice(0, maxAnnotations - 1), rest];
}

/** Workflow command: data and properties are percent-encoded as the toolkit does it. */
function annotation(kind: Kind, title: string, message: string): string {
  const data = (text: string): string =>
    safe(text, { keepNewlines: true }).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = data(title).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return `::${kind} title=${property}::${data(message)}\n`;
}

function sentence(run: ReportedRun): string {
  const counts = new Map<string, number>();
  for (const { state, why } of run.nodes) {
    const word = state === 'succeeded' ? 'succeeded' : wordOf(state, why);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const parts = [...counts].map(([word, number]) => `${number} ${word}`);
  return `${headline(run.state)} after ${duration(run.elapsedMs)}: ${parts.join(', ') || 'no nodes'}.`;
}

function html(text: string): string {
  return safe(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function code(text: string): string {
  if (text === '') return '';
  // Inside of HTML Markdown still reads its own marks; as character references they are only characters.
  const inert = html(text).replace(/[\\`*_[\]|~@#:]/g, (mark) => `&#${mark.charCodeAt(0)};`);
  return `<code>${inert}</code>`;
}

function fitted(top: readonly string[], rows: readonly string[], bottom: readonly string[]): string {
  const kept = [...rows];
  const whole = (): string => {
    const left = rows.length - kept.length;
    return [...top, ...kept, ...(left === 0 ? [] : [`| … | ${left} more rows | | |`]), ...bottom].join('\n');
  };
  while (kept.length > 0 && Buffer.byteLength(whole()) > maxSummaryBytes) kept.splice(Math.floor(kept.length / 2));
  return whole();
}
