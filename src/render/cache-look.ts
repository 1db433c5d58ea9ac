import { escapeForTerminal as safe } from '../util/escape.js';
import type { Cell, Ui } from './ui.js';
import { bytes } from './units.js';

/** What the jobs of a site are doing, as far as it is shown. */
export interface ShownJobs {
  site: string;
  jobs: readonly { id: string; state: string; alive: boolean; why: string; spooled: number }[];
  why?: string;
}

/** The jobs of sites for people: what runs, else the last one. */
export function cacheJobsText(sites: readonly ShownJobs[], ui: Ui): string {
  const rows = sites.flatMap(({ site, jobs, why }): Cell[][] => {
    if (why !== undefined) return [[site, { text: 'unknown', tone: 'warn' }, '', '', why]];
    const alive = jobs.filter((job) => job.alive);
    const shown = alive.length > 0 ? alive : jobs.slice(0, 1);
    if (shown.length === 0) return [[site, 'no job', '', '', '']];
    return shown.map((job): Cell[] => {
      const gone = !job.alive && ['running', 'waiting'].includes(job.state);
      const text = gone ? 'lost' : job.state;
      const tone = text === 'done' ? 'good' : ['failed', 'lost'].includes(text) ? 'bad' : 'accent';
      return [site, { text, tone }, bytes(job.spooled), job.id.slice(0, 12), gone ? 'its runner is gone' : job.why];
    });
  });
  const spooled = { title: 'SPOOLED', align: 'right' } as const;
  return ui.table(['SITE', 'STATE', spooled, 'JOB', { title: 'WHY', shrink: true }], rows);
}

/** What is wrong at a site, as far as it is shown. */
export interface ShownVerified {
  site: string;
  ok: boolean;
  incomplete: readonly string[];
  wrong: readonly string[];
  read: number;
  why?: string;
}

/** What sites have, for people: those with something wrong in full. */
export function cacheVerifyText(sites: readonly ShownVerified[], { theme, fold }: Ui): string {
  const lines = sites.flatMap(({ site, incomplete, wrong, why }) => [
    ...(why === undefined ? [] : [`${theme.warn('not known')} ${site}: ${safe(why)}`]),
    ...incomplete.map((image) => `${theme.bad('incomplete')} ${site}: ${safe(image)}`),
    ...wrong.map((digest) => `${theme.bad('wrong bytes')} ${site}: ${safe(digest)}`),
  ]);
  const good = sites.filter(({ ok }) => ok);
  const read = sites.reduce((sum, one) => sum + one.read, 0);
  const how = read === 0 ? '' : ` (${read} blobs read back)`;
  if (good.length > 0) lines.push(`${theme.good('complete')} ${fold(good.map(({ site }) => site))}${how}`);
  if (sites.some(({ wrong }) => wrong.length > 0))
    lines.push('', 'A registry keeps wrong bytes until they are deleted there; then they are brought again.');
  if (good.length < sites.length) lines.push('', 'To bring what is missing: edgectl cache fill');
  return lines.join('\n');
}

/** Why a digest is wanted, as far as it is shown. */
export interface ShownReason {
  digest: string;
  image: string;
  what: string;
  size: number;
  sites: readonly { site: string; state: string }[];
}

/** Why a digest is wanted, for people. */
export function cacheWhyText(reasons: readonly ShownReason[], { theme, fold }: Ui): string {
  return reasons
    .flatMap(({ digest, image, what, size, sites }) => {
      const states = [...new Set(sites.map(({ state }) => state))];
      return [
        `${safe(digest)}  ${bytes(size)}`,
        `  ${what} of ${theme.strong(safe(image))}`,
        ...states.map((state) => {
          const names = sites.filter((one) => one.state === state).map(({ site }) => site);
          return `  ${state}: ${fold(names)}`;
        }),
      ];
    })
    .join('\n');
}
