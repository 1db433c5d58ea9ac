import { createHash } from 'node:crypto';
import type { Finding } from '../../drift/types.js';
import { count } from '../units.js';
import { anchor, findingHtml, html, timeHtml, tone } from './html-parts.js';
import { style } from './html-style.js';
import type { ReportedDrift } from './reported.js';
import { byNode } from './reported.js';
import { sentenceOf, subjectOf } from './words.js';

/** Rows of the heat map, nodes with a section of their own, days of the timeline. */
const mostAttributes = 60;
const mostNodes = 3000;
const days = 14;
const dayMs = 24 * 60 * 60 * 1000;

/**
 * A report as one file that needs nothing else: heat map, timeline, findings, one section a node. It holds no script, and its
 * policy allows none; the one style in it is named there by its hash.
 */
export function htmlOfDrift(drift: ReportedDrift): string {
  return new DriftPage(drift).run();
}

class DriftPage {
  private readonly now: number;
  private readonly nodes: ReturnType<typeof byNode>;
  private readonly known: ReadonlySet<string>;
  private readonly unexpected: readonly Finding[];

  constructor(private readonly drift: ReportedDrift) {
    this.now = Date.parse(drift.report.at);
    this.nodes = byNode(drift).filter(({ findings }) => findings.length > 0);
    this.known = new Set(this.nodes.slice(0, mostNodes).map(({ node }) => node));
    this.unexpected = drift.findings.filter((finding) => finding.class === 'unexpected');
  }

  run(): string {
    const { fleet } = this.drift.report;
    const hash = createHash('sha256').update(style).digest('base64');
    const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
    return (
      '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n' +
      `<meta http-equiv="Content-Security-Policy" content="${html(policy)}">\n` +
      '<meta name="viewport" content="width=device-width, initial-scale=1">\n' +
      `<title>Drift of ${html(fleet.name)}</title>\n<style>${style}</style>\n</head>\n<body>\n` +
      `<header>${this.head()}</header>\n<main>\n` +
      [this.map(), this.timeline(), this.findings(), this.others(), this.sections()].join('') +
      `</main>\n<footer class="soft"><p>${html(`${this.drift.tool.name} ${this.drift.tool.version}`)}</p></footer>\n</body>\n</html>\n`
    );
  }

  private head(): string {
    const { fleet, at, nodes, counts, since } = this.drift.report;
    const numbers = (
      [
        ['unexpected', counts.unexpected > 0 ? 'bad' : 'good'],
        ['pending', 'good'],
        ['expected', 'soft'],
        ['unknown', 'warn'],
      ] as const
    ).map(([name, colour]) => `<li><b class="${colour}">${counts[name]}</b>${name}</li>`);
    const news =
      since === undefined ? '' : `<p>Since ${timeHtml(since.at, this.now)}: ${since.new} new, ${since.gone} gone.</p>`;
    const away = nodes.unknown === 0 ? '' : `, ${nodes.unknown} unknown`;
    return (
      `<h1>Drift of ${html(fleet.name)}</h1><p class="soft">${html(at.slice(0, 16).replace('T', ' '))} UTC · ` +
      `${count(nodes.total, 'node')}: ${nodes.seen} seen${away}</p><ul class="counts">${numbers.join('')}</ul>${news}`
    );
  }

  /** Sites across, attributes down: how many nodes of the site differ. */
  private map(): string {
    const sites = [...new Set(this.drift.nodes.map(({ site }) => site))].sort();
    const siteOf = new Map(this.drift.nodes.map(({ id, site }) => [id, site]));
    const sizes = new Map<string, number>();
    for (const { site } of this.drift.nodes) sizes.set(site, (sizes.get(site) ?? 0) + 1);
    const cells = new Map<string, Map<string, Set<string>>>();
    for (const { node, attribute } of this.unexpected) {
      const row = cells.get(subjectOf(attribute)) ?? new Map<string, Set<string>>();
      cells.set(subjectOf(attribute), row);
      const site = siteOf.get(node) ?? '';
      row.set(site, (row.get(site) ?? new Set()).add(node));
    }
    if (cells.size === 0) return '';
    const total = (row: Map<string, Set<string>>): number => [...row.values()].reduce((sum, { size }) => sum + size, 0);
    const rows = [...cells].sort(([a, x], [b, y]) => total(y) - total(x) || (a < b ? -1 : 1));
    const body = rows.slice(0, mostAttributes).map(([attribute, row]) => {
      const numbers = sites.map((site) => heat(row.get(site)?.size ?? 0, sizes.get(site) ?? 1));
      return `<tr><th scope="row"><code>${html(attribute)}</code></th>${numbers.join('')}</tr>\n`;
    });
    const more =
      rows.length > mostAttributes ? `<p class="soft">and ${rows.length - mostAttributes} attributes more</p>` : '';
    const head = sites.map(
      (site) => `<th scope="col">${html(site)}<br><span class="soft">${sizes.get(site) ?? 0}</span></th>`,
    );
    return (
      '<section aria-labelledby="map"><h2 id="map">Where</h2>\n<div class="scroll" role="region" aria-labelledby="map" tabindex="0">' +
      '<table class="map"><caption>Nodes with an unexpected difference, by attribute and site; below each site how many nodes it has</caption>' +
      `<thead><tr><th scope="col">attribute</th>${head.join('')}</tr></thead>\n<tbody>${body.join('')}</tbody></table></div>${more}</section>\n`
    );
  }

  /** How many of today's differences began on which day. */
  private timeline(): string {
    const dated = this.unexpected.flatMap(({ since }) => (since === null ? [] : [Date.parse(since)]));
    if (dated.length === 0) return '';
    const today = Math.floor(this.now / dayMs);
    const bars = Array.from({ length: days }, (_, index) => ({ day: today - days + 1 + index, number: 0 }));
    let before = 0;
    for (const at of dated) {
      const bar = bars[Math.floor(at / dayMs) - today + days - 1];
      if (bar === undefined) before += 1;
      else bar.number += 1;
    }
    const all = [
      { label: 'before', number: before },
      ...bars.map(({ day, number }) => ({ label: dayText(day), number })),
    ];
    const highest = Math.max(1, ...all.map(({ number }) => number));
    const drawn = all.map(({ label, number }, index) => {
      const [x, height] = [index * 46 + 4, Math.round((number / highest) * 90)];
      const text = number === 0 ? '' : `<text x="${x + 19}" y="${104 - height}" text-anchor="middle">${number}</text>`;
      return `<rect x="${x}" y="${108 - height}" width="38" height="${height}"/>${text}<text x="${x + 19}" y="124" text-anchor="middle">${label}</text>`;
    });
    const words = all.filter(({ number }) => number > 0).map(({ label, number }) => `${label}: ${number}`);
    return (
      '<section aria-labelledby="when"><h2 id="when">Since when</h2>\n<div class="scroll" role="region" aria-labelledby="when" tabindex="0">' +
      `<svg viewBox="0 0 ${all.length * 46 + 4} 130" role="img" aria-label="Unexpected differences by the day on which they began. ${words.join(', ')}">` +
      `${drawn.join('')}</svg></div><p class="soft">Unexpected differences that are there now, by the day on which they began (UTC).</p></section>\n`
    );
  }

  private findings(): string {
    const { folded } = this.drift;
    if (folded.length === 0) return '<section><h2>Findings</h2><p class="good">Nothing differs.</p></section>\n';
    const list = folded.map((finding) => findingHtml(finding, this.now, this.known));
    return `<section aria-labelledby="what"><h2 id="what">Findings, worst first</h2>\n${list.join('')}</section>\n`;
  }

  /** Peers without a majority, rules that have run out. */
  private others(): string {
    const { splits, expired } = this.drift.report;
    const peers = splits.map(({ group, attribute, values }) => {
      const shares = values.map(({ value, nodes }) => `${nodes.length} have <span class="value">${html(value)}</span>`);
      return `<li><code>${html(attribute)}</code>${group === '' ? '' : ` with ${html(group)}`}: ${shares.join(', ')}</li>`;
    });
    const rules = expired.map(
      ({ reason, owner, expires, where, hides }) =>
        `<li>${html(reason)} (${html(owner)}), ran out on ${html(expires.slice(0, 10))}, would hide ${count(hides, 'finding')} · <code>${html(where.file)}:${where.line}</code></li>`,
    );
    const block = (title: string, items: string[]): string =>
      items.length === 0 ? '' : `<section><h2>${title}</h2><ul>${items.join('\n')}</ul></section>\n`;
    return block('Peers without a clear majority', peers) + block('Rules that have run out', rules);
  }

  private sections(): string {
    if (this.nodes.length === 0) return '';
    const shown = this.nodes.slice(0, mostNodes).map(({ node, site, findings }) => {
      const bad = findings.filter((finding) => finding.class === 'unexpected').length;
      const worst = findings.find((finding) => finding.class === 'unexpected') ?? findings[0];
      const told = bad > 0 ? `${bad} unexpected` : worst === undefined ? '' : sentenceOf(worst);
      const colour = worst === undefined ? 'soft' : tone(worst);
      return (
        `<details><summary>${html(node)} <span class="soft">${html(site)}</span> ` +
        `<span class="${colour}">${html(told)}</span></summary>\n<div id="${anchor(node)}">${findings.map((finding) => findingHtml(finding, this.now, this.known)).join('')}</div></details>\n`
      );
    });
    const more = this.nodes.length - shown.length;
    const rest = more > 0 ? `<p class="soft">and ${count(more, 'node')} more, in the JSON of the report</p>` : '';
    return `<section aria-labelledby="nodes"><h2 id="nodes">Nodes with findings</h2>\n${shown.join('')}${rest}</section>\n`;
  }
}

/** One cell: the number says it, the colour repeats which share of the site it is. */
function heat(number: number, size: number): string {
  if (number === 0) return '<td></td>';
  const share = number / size;
  const level = share > 2 / 3 ? 4 : share > 1 / 3 ? 3 : share > 0.1 ? 2 : 1;
  return `<td class="h${level}">${number}</td>`;
}

function dayText(day: number): string {
  return new Date(day * dayMs).toISOString().slice(5, 10);
}
