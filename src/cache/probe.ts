import type { KitAnswer, KitLine } from '../node/types.js';
import { mediaTypes, manifestTypes } from '../registry/manifest.js';
import { verdictOnFailure } from '../node/exit-code.js';
import { siteScript, textFunction } from './script.js';
import type { CacheImage, UnaskedSite } from './types.js';

/** One thing that a registry is asked for. */
export interface Item {
  kind: 'blobs' | 'manifests';
  repository: string;
  /** A digest, or the tag of a manifest. */
  name: string;
  /** Bytes of a blob; the digest of a manifest. */
  expected: string;
}

/** What a site said of itself. */
export interface SiteState {
  architecture: string;
  /** Bytes free where the spool lies. */
  free: number;
  writable: boolean;
  spool: string;
  /** Bytes that came over the line in this month. */
  monthUsed: number;
  missingTools: readonly string[];
  /** Is each item there? */
  have: readonly boolean[];
  /** Bytes of begun blobs by digest. */
  parts: ReadonlyMap<string, number>;
  /** What the site lists about each subject; the registry's own word when it has a referrers API. */
  referrers: readonly { api: boolean; raw: Buffer }[];
  /** Does the site reach each source? */
  reached: readonly boolean[];
  jobs: readonly JobState[];
}

/** A job as its site tells it. */
export interface JobState {
  id: string;
  state: string;
  alive: boolean;
  image: string;
  why: string;
  /** Bytes of parts in the spool. */
  spooled: number;
}

/** What a plan asks of sites; the same for each of them. */
export interface Question {
  items: readonly Item[];
  subjects: readonly { repository: string; digest: string }[];
  sources: readonly string[];
}

/** Everything that sites are asked about some images. Pure. */
export function questionOf(images: readonly CacheImage[], sources: readonly string[]): Question {
  const items = new Map<string, Item>();
  const subjects = new Map<string, { repository: string; digest: string }>();
  const add = (item: Item): unknown => items.set(keyOf(item), item);
  for (const image of images) {
    const { repository, tag } = image.from;
    for (const manifest of image.manifests) {
      const { digest } = manifest.descriptor;
      for (const blob of manifest.blobs)
        add({ kind: 'blobs', repository, name: blob.digest, expected: String(blob.size) });
      add({ kind: 'manifests', repository, name: digest, expected: digest });
      // Which of them the tag names depends on the platforms of the site.
      if (tag !== undefined && (digest === image.root || isChild(image, digest)))
        add({ kind: 'manifests', repository, name: tag, expected: digest });
      const subject = manifest.subject?.digest;
      if (subject !== undefined) subjects.set(`${repository}@${subject}`, { repository, digest: subject });
    }
    for (const [name, digest] of image.tags) add({ kind: 'manifests', repository, name, expected: digest });
  }
  return { items: [...items.values()], subjects: [...subjects.values()], sources };
}

/** Names an item. */
export function keyOf({ kind, repository, name, expected }: Item): string {
  return `${kind} ${repository} ${name} ${expected}`;
}

function isChild(image: CacheImage, digest: string): boolean {
  const root = image.manifests.find(({ descriptor }) => descriptor.digest === image.root);
  return root?.manifests.some((child) => child.digest === digest) === true;
}

/** The script that asks one site. */
export async function probeScript(
  question: Question,
  site: { registry: string; spool: string; credentials: string },
): Promise<string> {
  const lines = <T>(all: readonly T[], text: (one: T, index: number) => string): string => all.map(text).join('\n');
  return await siteScript('probe', { ...site, accept: manifestTypes.join(', '), index: mediaTypes.index }, [
    textFunction(
      'items',
      lines(question.items, ({ kind, repository, name, expected }) => `${kind} ${repository} ${name} ${expected}`),
    ),
    textFunction(
      'referrers',
      lines(question.subjects, ({ repository, digest }) => `${repository} ${digest}`),
    ),
    textFunction(
      'sources',
      lines(question.sources, (url, index) => `${index} ${url}`),
    ),
  ]);
}

/** Reads what a site answered; a text says what is wrong with it. */
export function readProbe(lines: readonly KitLine[], question: Question): SiteState | string {
  const of = (type: string): KitLine[] => lines.filter(({ t }) => t === type);
  const [host] = of('host');
  const have = of('items')
    .map(({ have: text }) => (typeof text === 'string' ? text : ''))
    .join('');
  if (host === undefined || !/^[hmx]*$/.test(have)) return 'it answered something else than was asked';
  if (have.length !== question.items.length)
    return `its registry answered ${have.length} of ${question.items.length} questions`;
  const parts = new Map<string, number>();
  for (const { item, at } of of('part')) {
    const digest = question.items[numberOf(item)]?.name;
    if (digest !== undefined) parts.set(digest, numberOf(at));
  }
  return {
    architecture: textOf(host['arch']),
    free: numberOf(host['free']),
    writable: host['writable'] === true,
    spool: textOf(host['spool']),
    monthUsed: numberOf(host['month']),
    missingTools: textOf(of('tools')[0]?.['missing']).split(' ').filter(Boolean),
    have: [...have].map((letter) => letter === 'h'),
    parts,
    referrers: question.subjects.map((_, index) => {
      const line = of('referrers').find(({ item }) => numberOf(item) === index);
      return { api: line?.['api'] === true, raw: Buffer.from(textOf(line?.['raw']), 'base64') };
    }),
    reached: question.sources.map((_, index) =>
      of('source').some(({ item, reached }) => numberOf(item) === index && reached === true),
    ),
    jobs: of('job').map(jobOf),
  };
}

/** A job from its line. */
export function jobOf(line: KitLine): JobState {
  return {
    id: textOf(line['id']),
    state: textOf(line['state']),
    alive: line['alive'] === true,
    image: textOf(line['image']),
    why: textOf(line['why']),
    spooled: numberOf(line['spooled']),
  };
}

/** Why a site did not answer. */
export function unasked(
  place: { site: string; node: string },
  answer: Exclude<KitAnswer, { kind: 'ok' }> | string,
): UnaskedSite {
  if (typeof answer === 'string') return { ...place, kind: 'failed', message: answer };
  if (answer.kind === 'refused') return { ...place, kind: 'failed', message: answer.reason };
  const verdict = answer.failure === undefined ? 'failed' : verdictOnFailure({ ...answer.failure, sent: false });
  return { ...place, kind: verdict === 'ok' ? 'failed' : verdict, message: answer.message };
}

/** A whole number that a site sent; 0 for anything else. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
