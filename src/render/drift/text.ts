import type { FoldedFinding } from '../../drift/fold.js';
import type { DriftReport } from '../../drift/report.js';
import { escapeForTerminal as safe } from '../../util/escape.js';
import type { Ui } from '../ui.js';
import { age, count } from '../units.js';
import { cut, pad, textWidth, wrap } from '../width.js';
import { labelOf, sentenceOf } from './words.js';

/** More findings make no screen. `-o wide` shows all. */
const mostFindings = 24;
const mostSplits = 5;
const mostAges = 6;
const indent = 12;

/** The screen of a drift report: the state of the fleet first, then what differs, worst first. */
export function renderDrift(report: DriftReport, ui: Ui): string {
  return new DriftText(report, ui).run();
}

class DriftText {
  private readonly now: number;
  private readonly lines: string[] = [];

  constructor(
    private readonly report: DriftReport,
    private readonly ui: Ui,
  ) {
    this.now = Date.parse(report.at);
  }

  run(): string {
    this.head();
    this.findings();
    this.unseen();
    this.splits();
    this.expired();
    this.end();
    return inert(this.lines.join('\n'));
  }

  private head(): void {
    const { fleet, nodes, counts, since } = this.report;
    const unknown =
      nodes.unknown === 0
        ? []
        : [`${nodes.unknown} unknown${nodes.oldest === null ? '' : ` (longest ${this.ago(nodes.oldest)})`}`];
    const oldest = nodes.oldestSeen === null ? '' : this.ago(nodes.oldestSeen);
    const within = oldest === '' ? '' : oldest === '0 s' ? ' just now' : ` within ${oldest}`;
    const parts = [
      safe(fleet.name),
      count(nodes.total, 'node'),
      [`${nodes.seen} seen${within}`, ...unknown].join(', '),
    ];
    const classes = (['unexpected', 'pending', 'expected', 'unknown'] as const)
      .filter((name) => counts[name] > 0 || name === 'unexpected')
      .map((name, at) => (at === 0 ? `${count(counts[name], `${name} difference`)}` : `${counts[name]} ${name}`));
    this.lines.push(...wrap(parts.join(' · '), this.ui.width), ...wrap(classes.join(', '), this.ui.width));
    if (since !== undefined) {
      const which = since.run === undefined ? '' : ` (run ${since.run})`;
      const text = `since ${since.at.slice(0, 16).replace('T', ' ')} UTC${which}: ${since.new} new, ${since.gone} gone`;
      this.lines.push(...wrap(text, this.ui.width));
    }
  }

  private findings(): void {
    const all = this.report.findings.filter((finding) => finding.kind !== 'unseen' && !isLastKnown(finding));
    const shown = this.ui.wide ? all : all.slice(0, mostFindings);
    let group: string | undefined;
    if (shown.length > 0) this.lines.push('');
    for (const finding of shown) {
      if (finding.group !== group) {
        if (group !== undefined) this.lines.push('');
        this.lines.push(this.ui.theme.strong(safe(finding.group ?? '')));
        group = finding.group;
      }
      this.lines.push(...findingLines(finding, this.ui, this.now, this.report.groupBy !== 'node'));
    }
    if (all.length > shown.length)
      this.lines.push(...this.row('', `… and ${count(all.length - shown.length, 'finding')} more: -o wide`, 'dim'));
  }

  /** Nodes that were not seen, with how long ago they were; and that they may hide something. */
  private unseen(): void {
    const away = this.report.findings.filter((finding) => finding.kind === 'unseen');
    if (away.length === 0) return;
    this.lines.push('');
    for (const finding of away) {
      const nodes = finding.nodes.map((node) => ({ node, at: this.report.lastSeen[node] ?? null }));
      const dated = nodes.filter((one) => one.at !== null).sort((a, b) => ((a.at ?? '') < (b.at ?? '') ? -1 : 1));
      const listed = this.ui.wide ? dated : dated.slice(0, mostAges);
      const told = listed.map(({ node, at }) => `${safe(node)} (${this.ago(at ?? '')})`);
      const rest = nodes.filter((one) => !listed.includes(one)).map(({ node }) => node);
      const names = [...told, ...(rest.length === 0 ? [] : [safe(this.ui.fold(rest))])].join(', ');
      this.lines.push(...this.row('UNKNOWN', `${finding.why}: ${names}`, 'warn'));
    }
    const hidden = this.report.findings.filter(isLastKnown).reduce((sum, { nodes }) => sum + nodes.length, 0);
    if (hidden > 0)
      this.lines.push(
        ...this.row('', `${count(hidden, 'difference')} when they were last seen: edgectl drift show NODE`, 'dim'),
      );
  }

  private splits(): void {
    const { splits } = this.report;
    if (splits.length === 0) return;
    this.lines.push('');
    for (const { group, attribute, values } of this.ui.wide ? splits : splits.slice(0, mostSplits)) {
      const shares = values.slice(0, 4).map(({ value, nodes }) => `${nodes.length} have ${cut(safe(value), 40)}`);
      const more = values.length > 4 ? `, ${values.length - 4} more values` : '';
      const text = `no clear majority of ${safe(attribute)}${group === '' ? '' : ` with ${safe(group)}`}: ${shares.join(', ')}${more}`;
      this.lines.push(...this.row('PEERS', text, 'dim'));
    }
    const more = splits.length - mostSplits;
    if (!this.ui.wide && more > 0)
      this.lines.push(...this.row('', `… and ${more} more without a majority: -o wide`, 'dim'));
  }

  private expired(): void {
    const { expired } = this.report;
    if (expired.length > 0) this.lines.push('');
    for (const { reason, owner, expires, where, hides } of expired) {
      const what = hides === 0 ? 'and hides nothing any more' : `and would hide ${count(hides, 'finding')}`;
      const text = `rule of ${safe(owner)} ran out on ${expires.slice(0, 10)} ${what}: ${safe(reason)}  ${placeOf(where)}`;
      this.lines.push(...this.row('EXPIRED', text, 'warn'));
    }
  }

  private end(): void {
    const { findings, counts } = this.report;
    const worst = (['security', 'breaking', 'cosmetic'] as const)
      .map((severity) => findings.find((one) => one.class === 'unexpected' && one.severity === severity))
      .find((one) => one !== undefined);
    if (worst?.nodes[0] !== undefined)
      this.lines.push('', `Look closer:  ${this.ui.theme.accent('edgectl drift show ' + safe(worst.nodes[0]))}`);
    else if (counts.unexpected === 0)
      this.lines.push(
        '',
        this.ui.theme.good(this.report.since === undefined ? 'Nothing unexpected.' : 'Nothing unexpected is new.'),
      );
  }

  private row(label: string, text: string, tone: Tone): string[] {
    return rowLines(label, text, tone, this.ui);
  }

  private ago(at: string): string {
    return age(this.now - Date.parse(at)).replace(' ago', '');
  }
}

type Tone = 'bad' | 'warn' | 'good' | 'dim';

/** The lines of one finding: what, on which nodes, since when, and the command that puts it right. */
export function findingLines(finding: FoldedFinding, ui: Ui, now: number, withNodes = false): string[] {
  const since = finding.since === null ? '' : `since ${age(now - Date.parse(finding.since)).replace(' ago', '')}`;
  const tone = toneOf(finding);
  const nodes = withNodes ? safe(ui.fold(finding.nodes)) : '';
  const sentence = sentenceOf(finding, ui.wide);
  const where = ui.wide && finding.where !== undefined ? `  ${placeOf(finding.where)}` : '';
  const tail = [nodes, since].filter((part) => part !== '').join('  ') + where;
  const room = Math.max(30, ui.width - indent);
  // One line when it fits, else the nodes go below.
  const fits = textWidth(`${sentence}  ${tail}`) <= room;
  const lines = fits
    ? rowLines(labelOf(finding), `${sentence}  ${tail}`, tone, ui)
    : [
        ...rowLines(labelOf(finding), sentence, tone, ui),
        ...tailLines(nodes, since + where, ui).map((line) => ui.theme.dim(line)),
      ];
  const useful = finding.fix !== undefined && (finding.class === 'unexpected' || ui.wide);
  return useful ? [...lines, `${' '.repeat(indent)}${ui.theme.accent(finding.fix ?? '')}`] : lines;
}

/** Nodes, then since when, which is not broken apart. */
function tailLines(nodes: string, since: string, ui: Ui): string[] {
  const lines = nodes === '' ? [] : rowLines('', nodes, 'dim', ui);
  const last = lines.at(-1) ?? ' '.repeat(indent - 2);
  if (since === '') return lines;
  if (textWidth(`${last}  ${since}`) > ui.width) return [...lines, ...rowLines('', since, 'dim', ui)];
  return [...lines.slice(0, -1), `${last}  ${since}`];
}

function rowLines(label: string, text: string, tone: Tone, ui: Ui): string[] {
  const room = Math.max(30, ui.width - indent);
  return wrap(text, room).map((line, at) => {
    const start = at === 0 ? ui.theme[tone](pad(label, indent - 4)) : ' '.repeat(indent - 4);
    return `  ${start}  ${line}`.trimEnd();
  });
}

/** What an absent node differed in when it was last seen. */
function isLastKnown(finding: FoldedFinding): boolean {
  return finding.class === 'unknown' && finding.kind !== 'unseen' && finding.found !== null;
}

function toneOf({ class: thought, severity }: FoldedFinding): Tone {
  if (thought === 'unexpected') return severity === 'cosmetic' ? 'warn' : 'bad';
  return thought === 'unknown' ? 'warn' : thought === 'pending' ? 'good' : 'dim';
}

function placeOf({ file, line }: { file: string; line: number }): string {
  return `${safe(file)}:${line}`;
}

/** GitHub’s runner takes a line for a command that begins with two colons, blanks before it or not. */
export function inert(text: string): string {
  return text.replace(/^((?:\s|\u001b\[[0-9;]*m)*):(?=:)/gm, '$1\\x3a');
}
