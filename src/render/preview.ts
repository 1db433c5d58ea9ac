import { preparationOf } from '../plan/preparation.js';
import type { Plan, PlanNode, PlanStage } from '../plan/types.js';
import { escapeForTerminal as safe } from '../util/escape.js';
import { wordOf } from './states.js';
import type { Ui } from './ui.js';
import { age, bytes, count, duration, shortDigest } from './units.js';
import { pad, textWidth, wrap } from './width.js';

/** What the preview says besides the plan itself. */
export interface PreviewContext {
  /** Where desired state came from, e.g. `runtimes.yaml @ 4f2c19e`. */
  source?: string;
  /** Milliseconds since the epoch, for ages. */
  now: number;
}

/** The screen before the question: counts, stages, canaries by name, who is left out, how to undo. Ends without a line break. */
export function renderPreview(plan: Plan, ui: Ui, context: PreviewContext): string {
  const blocks = [
    head(plan, ui, context),
    changes(plan, ui),
    preparation(plan, ui),
    stages(plan, ui),
    others(plan, ui, context),
    effects(plan, ui),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

/** The question that follows the preview. */
export function previewQuestion(plan: Plan): string {
  const nodes = count(targets(plan).length, 'node');
  if (plan.kind === 'rollback') return `Roll back ${nodes}?`;
  if (plan.kind === 'eject' || plan.kind === 'unprepare') return `Remove edgectl from ${nodes}?`;
  if (plan.kind === 'prepare') return `Put the node kit on ${nodes}?`;
  if (plan.kind === 'gc') return `Remove what nothing needs on ${nodes}?`;
  return plan.kind === 'undeny' ? `Allow the denied bundles again on ${nodes}?` : `Roll out to ${nodes}?`;
}

/** Nodes that the plan means to change, also those that are not there yet. */
function targets(plan: Plan): PlanNode[] {
  return plan.nodes.filter((node) => node.stage !== null);
}

function head(plan: Plan, ui: Ui, { source }: PreviewContext): string[] {
  const what = plan.undoes === undefined ? '' : `, undoes ${plan.undoes}`;
  const from = source === undefined || plan.kind !== 'runtime' ? '' : `, from ${safe(source)}`;
  const plain = `Plan ${plan.id} for fleet ${safe(plan.fleet.name)}${what}${from}`;
  const lines = wrap(plain, ui.width).map((line) => line.replace(plan.id, ui.theme.strong(plan.id)));
  if (plan.policy.rehearsal) {
    const { windowS, passes } = plan.health;
    lines.push(
      ui.theme.warn(
        `Rehearsal policy ${safe(plan.policy.name)}: health window ${windowS} s, ${count(passes, 'pass', 'passes')}. Not for production.`,
      ),
    );
  }
  return lines;
}

function changes(plan: Plan, ui: Ui): string[] {
  const rows = plan.changes.map((change) => {
    const from = change.from.length === 0 ? 'absent' : change.from.map((version) => safe(version)).join(', ');
    const to = change.to === null ? 'removed' : safe(change.to.version);
    const origin = change.to === null ? '' : `bundle ${shortDigest(change.to.digest)}, ${whence(change.to.signedBy)}`;
    return [safe(change.component), `${from} → ${to}`, count(change.nodes, 'node'), origin];
  });
  const lines = grid(rows).map((line) => `  ${line}`);
  if (lines.some((line) => textWidth(line) > ui.width)) {
    return rows.flatMap(([name = '', move = '', nodes = '', origin = '']) => [
      `  ${name}  ${move}  ${nodes}`,
      ...(origin === '' ? [] : [`    ${origin}`]),
    ]);
  }
  return lines;
}

/** What goes onto the nodes, and as whom; nodes differ only in the key of their login. */
function preparation(plan: Plan, ui: Ui): string[] {
  const [what] = Object.values(plan.slices).flatMap((slice) => preparationOf(slice) ?? []);
  if (what === undefined) return [];
  const as = what.login === undefined ? [] : labelled('login', `${safe(what.login)}, for this once`, ui);
  if (what.kit === undefined || what.signers === undefined)
    return [...labelled('removes', 'the kit, its store, its user and its sudo rule', ui), ...as];
  const user =
    what.user === undefined ? '' : `; the user ${safe(what.user)}, who may run the kit with sudo and nothing else`;
  const text = `kit of ${safe(plan.tool)} (${shortDigest(what.kit.digest)}), keys to trust (${shortDigest(what.signers)})${user}`;
  const { home } = what;
  const tunnel =
    home === undefined
      ? []
      : labelled('tunnel', `to ${safe(home.user)}@${safe(home.address)} port ${home.port} (${safe(home.bastion)})`, ui);
  return [...labelled('installs', text, ui), ...tunnel, ...as];
}

/** What a rollback brings back is on the nodes already, verified when it came. */
function whence(signedBy: string): string {
  return signedBy === '' ? 'kept on the nodes' : `signed ${safe(signedBy)}`;
}

function stages(plan: Plan, ui: Ui): string[] {
  if (plan.stages.length === 0) return [];
  const rows = plan.stages.map((stage) => [
    stage.name,
    String(stage.nodes.length),
    atOnce(stage),
    gateText(stage),
    onFail(stage),
  ]);
  const [title = '', ...body] = grid([['stage', 'nodes', 'at once', 'gate', 'then'], ...rows], [1]);
  const lines = [`  ${ui.theme.dim(title)}`, ...body.map((line) => `  ${line}`)];
  const canary = plan.stages[0];
  if (canary !== undefined && canary.first > 0) lines.push(...labelled('first', canaries(plan, canary), ui));
  return lines;
}

function canaries(plan: Plan, stage: PlanStage): string {
  const shown = stage.nodes.slice(0, 3).map((id) => {
    const node = plan.nodes.find((candidate) => candidate.id === id);
    return node === undefined ? safe(id) : `${safe(id)} (${safe(node.arch)}, ${safe(node.os)})`;
  });
  const [first = '', ...rest] = shown;
  const more = stage.nodes.length - shown.length;
  return rest.length === 0
    ? `${first} alone`
    : `${first} alone, then ${rest.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function atOnce(stage: PlanStage): string {
  if (stage.first > 0 && stage.first < stage.nodes.length && stage.first !== stage.concurrency)
    return `${stage.first}, then ${stage.concurrency}`;
  return stage.ramp.start < stage.concurrency
    ? `${stage.ramp.start} to ${stage.concurrency}`
    : String(stage.concurrency);
}

/** Below twenty nodes the number of failures decides instead of the percentage (contract 11). */
function gateText({ gate, nodes, soakMs }: PlanStage): string {
  const size = nodes.length;
  const failures = gate.maxFailed === 0 ? `${size} of ${size}` : `≤ ${gate.maxFailed} failed`;
  if (neverStops(gate, size)) return 'none';
  const rule = size < 20 ? failures : `${Math.round(gate.success * 100)} %, ≤ ${gate.maxFailed} failed`;
  return soakMs > 0 ? `${rule}, soak ${duration(soakMs)}` : rule;
}

/** Nothing keeps a rollback or an ejection from its other nodes. */
function neverStops(gate: PlanStage['gate'], size: number): boolean {
  return gate.success === 0 && gate.maxFailed >= size;
}

function onFail({ gate, nodes }: PlanStage): string {
  if (neverStops(gate, nodes.length)) return 'goes on whatever fails';
  return { pause: 'pause if it fails', rollback: 'roll back if it fails', abort: 'stop if it fails' }[gate.onFail];
}

function others(plan: Plan, ui: Ui, { now }: PreviewContext): string[] {
  const groups = new Map<string, string[]>();
  for (const node of plan.nodes) {
    const key = absence(node, now);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), node.id]);
  }
  const lines = [...groups].flatMap(([why, nodes], at) => {
    const [word = '', rest = ''] = why.split('\n');
    return labelled(at === 0 ? 'not now' : '', `${nodes.length} ${word}: ${safe(ui.fold(nodes))}${rest}`, ui);
  });
  const idle = plan.nodes.filter(
    (node) => node.stage === null && (node.skip === undefined || node.skip.state === 'noop'),
  ).length;
  if (idle > 0) lines.push(`  nothing to do on ${idle} of ${count(plan.nodes.length, 'node')} (already there)`);
  return lines;
}

/** Why a node is not part of the first pass: `word\nexplanation`. */
function absence(node: PlanNode, now: number): string | undefined {
  if (node.skip !== undefined && node.skip.state !== 'noop') {
    const { state, why } = node.skip;
    const seen =
      node.observed === null || state !== 'offline' ? '' : `, last seen ${age(now - Date.parse(node.observed.at))}`;
    const then = state === 'offline' ? ' → joins when it returns' : '';
    return `${state === 'offline' ? 'offline' : wordOf(state, why)}\n, ${safe(why)}${seen}${then}`;
  }
  return node.intent ? 'not seen yet\n → joins when it returns' : undefined;
}

function effects(plan: Plan, ui: Ui): string[] {
  if (targets(plan).length === 0) return [];
  const total = plan.changes.reduce((sum, change) => sum + (change.to?.size ?? 0) * change.nodes, 0);
  const lines: string[] = [];
  if (total > 0)
    lines.push(
      ...labelled('transfer', `at most ${bytes(total)} in all; bundles that a node has already are not sent again`, ui),
    );
  if (plan.kind === 'runtime' || plan.kind === 'rollback') {
    lines.push(
      ...labelled(
        'trial',
        `each node tries for ${plan.health.windowS} s and goes back by itself unless it is confirmed`,
        ui,
      ),
    );
  }
  if (plan.kind === 'runtime') lines.push(...labelled('to undo', `edgectl rollback ${plan.id}`, ui));
  if (plan.authority === null) lines.push(...labelled('unsigned', 'nodes refuse this plan until it is signed', ui));
  return lines;
}

function labelled(label: string, text: string, ui: Ui): string[] {
  const indent = 12;
  return wrap(text, Math.max(20, ui.width - indent)).map(
    (line, at) => `  ${pad(at === 0 ? label : '', indent - 4)}  ${line}`,
  );
}

/** Columns two spaces apart; `right` lists the columns of numbers. */
function grid(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, textWidth(cell))));
  return rows.map((row) =>
    row
      .map((cell, at) => pad(cell, widths[at] ?? 0, right.includes(at) ? 'right' : 'left'))
      .join('  ')
      .trimEnd(),
  );
}
