import { escapeForTerminal as safe } from '../util/escape.js';
import type { Cell, Ui } from './ui.js';
import { bytes, count, duration } from './units.js';

/** A site of a cache plan, as far as it is shown. */
export interface ShownSite {
  site: string;
  node: string;
  executor: string;
  missing: number;
  total: number;
  eta?: number | undefined;
  nights?: number | undefined;
  windows: readonly unknown[];
  late: boolean;
  problems: readonly string[];
  images: readonly { put: readonly unknown[]; tags: readonly unknown[] }[];
}

/** A cache plan, as far as it is shown. */
export interface ShownPlan {
  madeAt: number;
  deadline?: number | undefined;
  images: readonly { name: string; root: string }[];
  sites: readonly ShownSite[];
  unasked: readonly { site: string; node: string; kind: string; message: string }[];
}

const shown = 40;

/** A cache plan for people: what is missing where, how long it takes, and last which sites do not make it. */
export function cachePlanText(plan: ShownPlan, ui: Ui): string {
  const { theme } = ui;
  const sites = [...plan.sites].sort((a, b) => Number(worry(b)) - Number(worry(a)) || b.missing - a.missing);
  const rows = sites
    .slice(0, shown)
    .map((site): Cell[] => [
      site.site,
      site.missing === 0 ? '–' : bytes(site.missing),
      bytes(site.total),
      site.missing === 0 ? '–' : site.executor,
      etaText(site, plan.madeAt),
      site.nights === undefined || site.windows.length === 0 ? '–' : site.nights,
      stateCell(site),
    ]);
  const lines = [
    ...plan.images.map(({ name, root }) => `${theme.dim('image')} ${safe(name)}  ${theme.dim(root.slice(0, 19))}`),
    '',
    ui.table(
      [
        { title: 'SITE', shrink: true },
        { title: 'MISSING', align: 'right' },
        { title: 'OF', align: 'right' },
        'BY',
        'TAKES',
        { title: 'WINDOWS', align: 'right' },
        'STATE',
      ],
      rows,
    ),
    ...(sites.length > shown ? [theme.dim(`… and ${count(sites.length - shown, 'site')}; --json has all`)] : []),
    ...plan.unasked.map(({ site, node, message }) => `${theme.warn('not asked')} ${site} (${node}): ${safe(message)}`),
    ...plan.sites.flatMap(({ site, problems }) =>
      problems.map((problem) => `${theme.bad('cannot be filled')} ${site}: ${safe(problem)}`),
    ),
    '',
    summary(plan),
  ];
  const late = plan.sites.filter((site) => site.late);
  if (late.length > 0) {
    const names = ui.fold(late.map(({ site }) => site));
    const when = plan.deadline === undefined ? 'within a year' : `by ${time(plan.deadline)}`;
    lines.push(theme.bad(`${count(late.length, 'site')} will not make it ${when}: ${names}`));
  }
  return lines.join('\n');
}

function summary({ sites, unasked }: ShownPlan): string {
  const open = sites.filter((site) => isOpen(site));
  const missing = sites.reduce((sum, site) => sum + site.missing, 0);
  const silent = unasked.length === 0 ? '' : `; ${unasked.length} could not be asked`;
  if (open.length === 0) return `${count(sites.length, 'site')}, nothing missing${silent}.`;
  return `${bytes(missing)} missing at ${open.length} of ${count(sites.length, 'site')}${silent}.`;
}

function isOpen(site: ShownSite): boolean {
  return site.missing > 0 || site.images.some(({ put, tags }) => put.length > 0 || tags.length > 0);
}

function worry(site: ShownSite): boolean {
  return site.late || site.problems.length > 0;
}

function stateCell(site: ShownSite): Cell {
  if (site.problems.length > 0) return { text: 'cannot be filled', tone: 'bad' };
  if (site.late) return { text: 'too late', tone: 'bad' };
  return isOpen(site) ? { text: 'to fill', tone: 'accent' } : { text: 'complete', tone: 'good' };
}

function etaText({ missing, eta }: ShownSite, now: number): string {
  if (missing === 0) return '–';
  return eta === undefined ? '?' : duration(eta - now);
}

/** A time for people, UTC to the minute. */
function time(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** How a site stands. */
export interface ShownFill {
  site: string;
  node: string;
  job: string;
  state: string;
  why: string;
  missing: number;
}

const tones: Readonly<Record<string, 'good' | 'bad' | 'warn' | 'accent'>> = {
  done: 'good',
  failed: 'bad',
  refused: 'bad',
  lost: 'bad',
  stopped: 'warn',
  unreachable: 'warn',
};

/** How the sites of a fill ended or stand; the command that attaches again comes last. */
export function cacheFillText(sites: readonly ShownFill[], ui: Ui): string {
  const rows = sites.map(({ site, state, why, missing }): Cell[] => [
    site,
    { text: state, tone: tones[state] ?? 'accent' },
    missing === 0 ? '–' : bytes(missing),
    why,
  ]);
  const going = sites.filter(({ state }) => ['running', 'waiting', 'unreachable'].includes(state));
  const again = sites.filter(({ state }) => ['lost', 'stopped', 'failed'].includes(state));
  return [
    ui.table(['SITE', 'STATE', { title: 'BYTES', align: 'right' }, { title: 'WHY', shrink: true }], rows),
    ...(going.length > 0 ? ['', `Jobs go on without this computer. To watch them: edgectl cache fill`] : []),
    ...(again.length > 0 ? ['', `To go on where it ended: edgectl cache fill`] : []),
  ].join('\n');
}

/** Something that a job did, as one line. */
export interface FillLine {
  site: string;
  /** `running`, `waiting`, or what an event says. */
  what: string;
  image: string;
  why: string;
  /** Bytes at the site so far, of those that were missing. */
  bytes: number;
  of: number;
}

/** One line of progress: a state that changed, or how far it is. */
export function fillLine({ site, what, image, why, bytes: done, of }: FillLine, { theme }: Ui): string {
  const tone = tones[what] ?? 'accent';
  const far = of === 0 ? '' : `  ${bytes(Math.min(done, of))} of ${bytes(of)}`;
  const about = [image, why].filter((text) => text !== '').map((text) => safe(text));
  return `${site}  ${theme[tone](what.replaceAll('_', ' '))}${far}${about.length === 0 ? '' : `  ${about.join('  ')}`}`;
}
