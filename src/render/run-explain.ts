import type { RunEvent } from '../executor/events.js';
import { nodeStateRow, whyTable, codeTable, transportTable } from '../plan/states.js';
import type { NodeState, Plan, PlanNode } from '../plan/types.js';
import { escapeForTerminal as safe } from '../util/escape.js';
import { eventText } from './event-log.js';
import { nodeOfEvent } from './event-line.js';
import { remedyFor } from './remedies.js';
import { stateWords } from './states.js';
import type { Ui } from './ui.js';
import { age, shortDigest } from './units.js';
import { wrap } from './width.js';

/** Why a node of a run stands where it does: what the plan wanted, what happened, what the state means, what to type next. */
export interface Explanation {
  run: string;
  node: string;
  stage: string | null;
  state: NodeState;
  why: string | null;
  message: string;
  /** The predicate of the state, from the one table of states. */
  meaning: string;
  /** What the reason stands for, when it has an entry of its own. */
  reason: string | null;
  /** Does edgectl try again without being asked, on resume? */
  final: boolean;
  wanted: { component: string; from: string; to: string }[];
  /** Why it was there, in that stage. */
  place: string;
  next: { what: string; command: string }[];
}

/** What explains a node; plain data, also for the envelope. */
export function explain(
  plan: Plan,
  node: PlanNode,
  record: { state: NodeState; why: string | null; message: string },
): Explanation {
  const { state, why, message } = record;
  const row = nodeStateRow(state);
  const stage = plan.stages.find(({ name }) => name === node.stage);
  const reason = why === null ? null : meaningOf(why.split(':', 1)[0] ?? '');
  const wanted = Object.entries(node.expectAfter).map(([component, digest]) => ({
    component,
    from:
      node.observed === null ? 'what it has' : said(node.observed.versions[component], node.expectBefore[component]),
    to: digest === null ? 'removed' : (versionOf(plan, digest) ?? shortDigest(digest)),
  }));
  const place =
    stage === undefined
      ? (node.skip?.why ?? 'it had nothing to do')
      : `stage ${stage.name}, number ${stage.nodes.indexOf(node.id) + 1} of ${stage.nodes.length}${node.intent ? '; not seen when the plan was made' : ''}`;
  const next = why === 'NO_SPACE' ? roomFirst(node.id) : [];
  next.push(...nextFor(plan.id, node.id, { state, why }, row.final));
  return {
    run: plan.id,
    node: node.id,
    stage: node.stage,
    state,
    why,
    message,
    meaning: row.meaning,
    reason,
    final: row.final,
    wanted,
    place,
    next,
  };
}

/** What a reason stands for, by the tables of states. */
function meaningOf(reason: string): string | null {
  const rows: Readonly<Record<string, { meaning: string }>> = { ...codeTable, ...whyTable };
  const silences: Readonly<Record<string, { before: { meaning: string } }>> = transportTable;
  const row = Object.hasOwn(rows, reason) ? rows[reason] : undefined;
  const silence = Object.hasOwn(silences, reason) ? silences[reason]?.before : undefined;
  return (row ?? silence)?.meaning ?? null;
}

/** The version of a bundle that the plan brings. */
function versionOf(plan: Plan, digest: string): string | undefined {
  return plan.changes.find(({ to }) => to?.digest === digest)?.to?.version;
}

function said(version: string | undefined, digest: string | null | undefined): string {
  if (version !== undefined) return version;
  return digest === undefined || digest === null ? 'absent' : shortDigest(digest);
}

function roomFirst(node: string): Explanation['next'] {
  return [{ what: 'Remove what nothing there needs', command: `edgectl node gc ${node}` }];
}

/** Reasons for which a node denies a bundle (docs/reference/node-protocol.md). */
const deniedFor: ReadonlySet<string> = new Set(['health', 'crash', 'hang', 'DENIED']);

/** The command that helps most is the last one. */
function nextFor(
  run: string,
  node: string,
  { state, why }: { state: NodeState; why: string | null },
  final: boolean,
): { what: string; command: string }[] {
  const doctor = `edgectl node doctor ${node}`;
  const remedy = remedyFor({ state, why, node, run }) ?? doctor;
  const look = {
    what: remedy.includes(' trust ') ? 'When you know why' : 'Ask the node itself',
    // What changes something comes below, under its own name.
    command: remedy.includes('resume') || remedy.includes('undeny') ? doctor : remedy,
  };
  const retry = { what: 'Try it again under the same plan', command: `edgectl resume ${run} --retry ${node}` };
  const scored = nodeStateRow(state).scored;
  if (state === 'succeeded' || state === 'soaking')
    return [{ what: 'Undo the whole run', command: `edgectl rollback ${run}` }];
  if (state === 'noop' || state === 'superseded' || state === 'skipped' || state === 'gone') return [];
  if (state === 'rollback_failed') return [look];
  if (scored === 'failure' && final && deniedFor.has(why?.split(':', 1)[0] ?? ''))
    return [
      look,
      { what: 'Allow the bundle again', command: `edgectl node undeny ${node}` },
      // The series of the undeny is a newer one than the run's, so the run itself would be refused there.
      { what: 'And roll it out there again', command: `edgectl rollout runtime --on ${node}` },
    ];
  return final ? [look, retry] : [look, { what: 'Go on with the run', command: `edgectl resume ${run}` }];
}

/** The screen of `edgectl run explain`. */
export function renderExplanation(it: Explanation, events: readonly RunEvent[], ui: Ui, now: number): string {
  const own = events.filter((event) => nodeOfEvent(event) === it.node);
  const last = own.at(-1);
  const when = last === undefined ? '' : `  ${age(now - Date.parse(last.at))}`;
  const { word, tone } = stateWords[it.state];
  const text = (label: string, body: string): string[] =>
    wrap(body, ui.width - 12).map((line, at) => `  ${(at === 0 ? label : '').padEnd(8)}  ${line}`);
  const story = own.map((event) => eventText(event, { steps: true }).trimEnd()).filter((line) => line !== '');
  const width = Math.max(0, ...it.next.map(({ what }) => what.length));
  return [
    `${ui.theme.strong(safe(it.node))} in run ${it.run}: ${ui.theme[tone](word)}${when}`,
    '',
    ...text('is', `${it.state}: ${it.meaning}`),
    ...text(
      'because',
      [it.reason, safe(it.message)].filter((part) => part !== null && part !== '').join('; ') || 'nothing was said',
    ),
    ...text('place', safe(it.place)),
    ...it.wanted.flatMap(({ component, from, to }, at) =>
      text(at === 0 ? 'wanted' : '', `${safe(component)} ${safe(from)} → ${to}`),
    ),
    ...text(
      'later',
      it.final ? 'nothing more happens to it in this run unless you ask' : 'it is asked again when the run is resumed',
    ),
    ...(story.length === 0 ? [] : ['', ...story.flatMap((block) => block.split('\n').map((line) => `  ${line}`))]),
    ...(it.next.length === 0 ? [] : ['']),
    ...it.next.map(({ what, command }) => `${`${what}:`.padEnd(width + 1)}  ${ui.theme.accent(command)}`),
  ].join('\n');
}
