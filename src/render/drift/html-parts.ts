import type { FoldedFinding } from '../../drift/fold.js';
import type { Finding } from '../../drift/types.js';
import { foldNames } from '../../plan/ranges.js';
import { age } from '../units.js';
import { labelOf, sentenceOf } from './words.js';

/** Text that is nothing but text in HTML, between tags and in quoted attributes. */
export function html(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** The anchor of a node; the names of nodes are safe in one. */
export function anchor(node: string): string {
  return html(`node-${node}`);
}

/** Names that stand by themselves as links; more are folded. */
const mostLinks = 12;

/** One finding: what, where, since when, what to do. `nodes`: their names, or none inside of a node. */
export function findingHtml(finding: Finding | FoldedFinding, now: number, known: ReadonlySet<string>): string {
  const nodes = 'nodes' in finding ? finding.nodes : [];
  const where = finding.where === undefined ? '' : ` · <code>${html(finding.where.file)}:${finding.where.line}</code>`;
  const since = finding.since === null ? '' : `since ${timeHtml(finding.since, now)}`;
  const names = nodes.length === 0 ? '' : `<p>${namesHtml(nodes, known)}</p>`;
  const fix = 'fix' in finding && finding.fix !== undefined ? `<p><code>${html(finding.fix)}</code></p>` : '';
  const meta =
    since === '' && where === ''
      ? ''
      : `<p class="soft">${since}${since === '' ? where.replace(' · ', '') : where}</p>`;
  return (
    `<div class="finding ${edge(finding)}"><p><span class="label ${tone(finding)}">${labelOf(finding)}</span> ` +
    `<span class="value">${html(sentenceOf(finding, true))}</span></p>${names}${meta}${fix}</div>\n`
  );
}

function namesHtml(nodes: readonly string[], known: ReadonlySet<string>): string {
  if (nodes.length > mostLinks) return `${nodes.length} nodes: <code>${html(foldNames(nodes))}</code>`;
  return nodes
    .map((node) => (known.has(node) ? `<a href="#${anchor(node)}">${html(node)}</a>` : html(node)))
    .join(', ');
}

/** A time with its age. */
export function timeHtml(at: string, now: number): string {
  return `<time datetime="${html(at)}">${html(at.slice(0, 16).replace('T', ' '))} UTC</time> (${age(now - Date.parse(at))})`;
}

/** The colour that repeats the label. */
export function tone({ class: thought, severity }: Pick<Finding, 'class' | 'severity'>): string {
  if (thought === 'unexpected') return severity === 'cosmetic' ? 'warn' : 'bad';
  return thought === 'pending' ? 'good' : thought === 'unknown' ? 'warn' : 'soft';
}

function edge({ class: thought, severity }: Pick<Finding, 'class' | 'severity'>): string {
  return thought !== 'unexpected' ? '' : severity === 'cosmetic' ? 'warn-edge' : 'bad-edge';
}
