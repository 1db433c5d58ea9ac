import type { SiteLink } from '../fleet/types.js';
import type { Held } from '../registry/copy-plan.js';
import { missingOf, planCopy } from '../registry/copy-plan.js';
import { digestOf } from '../registry/digest.js';
import { mediaTypes } from '../registry/manifest.js';
import { mergeReferrers, referrersTag } from '../registry/referrers.js';
import { subsetFor } from './platforms.js';
import type { Subset } from './platforms.js';
import type { Question, SiteState } from './probe.js';
import { keyOf } from './probe.js';
import type { CacheImage, SiteImage, SitePlan } from './types.js';
import { countUntil, finishAt, horizonsMs, openIntervals } from './windows.js';

/** One site to plan for. */
export interface SiteQuestion {
  site: string;
  node: string;
  registry: string;
  link: SiteLink | undefined;
  /** Which of the images it shall have, by index. */
  wants: readonly number[];
  /** Architectures of its nodes; undefined for one that is not known. */
  architectures: readonly (string | undefined)[];
}

/** What is needed besides the question. */
export interface PlanContext {
  images: readonly CacheImage[];
  question: Question;
  state: SiteState;
  now: number;
  deadline: number | undefined;
}

/** Free bytes that are left alone. */
const reserveBytes = 64 * 1024 * 1024;

/** What is to be done at a site, from what it has. Pure. */
export function planSite(asked: SiteQuestion, context: PlanContext): SitePlan {
  const { state, question, now, deadline } = context;
  // Of a node that nobody asked yet the lead node is the best guess.
  const architectures = [...new Set(asked.architectures.map((each) => each ?? state.architecture))].sort();
  const there = new Set(question.items.filter((_, index) => state.have[index]).map(keyOf));
  const lists: Record<string, string> = {};
  const problems: string[] = [];
  // A blob that an earlier image brings comes over the line once, and is mounted for the later one.
  const places = new Map<string, string>();
  const images: SiteImage[] = [];
  for (const index of asked.wants) {
    const image = context.images[index];
    if (image === undefined) continue;
    const subset = subsetFor(image, architectures);
    if (typeof subset === 'string') problems.push(subset);
    else images.push(planImage(index, image, { subset, there, places, lists, context }));
  }
  const missing = sum(images.map((image) => image.missing));
  const largest = Math.max(0, ...images.flatMap(({ blobs }) => blobs.map(missingOf)));
  // What is under way lies in the spool and, for a moment, in the registry too.
  const needs = missing === 0 ? 0 : Math.ceil(missing * 1.1) + largest + reserveBytes;
  const plan: SitePlan = {
    ...{ site: asked.site, node: asked.node, registry: asked.registry, architectures, images, lists, missing, needs },
    total: sum(images.map((image) => image.total)),
    executor: sourcesOf(images, context).every((index) => state.reached[index] === true) ? 'pull' : 'push',
    spool: state.spool,
    free: state.free,
    windows: [],
    late: false,
    problems,
    ...(asked.link?.bytesPerSecond === undefined ? {} : { rate: asked.link.bytesPerSecond }),
    ...(asked.link?.monthlyBytes === undefined ? {} : { monthly: asked.link.monthlyBytes }),
  };
  if (missing > 0 || images.some(isOpen)) {
    if (state.missingTools.length > 0) problems.push(`its lead node lacks ${state.missingTools.join(', ')}`);
    if (!state.writable) problems.push(`${state.spool} cannot be written`);
    if (state.free < needs) problems.push('its disk has not enough room');
  }
  return { ...plan, ...inTime(asked.link, plan, { state, now, deadline }) };
}

/** Is anything to be done for an image? */
export function isOpen({ blobs, put, tags }: SiteImage): boolean {
  return put.length > 0 || tags.length > 0 || blobs.some(({ action }) => action !== 'have');
}

interface ImageContext {
  subset: Subset;
  there: ReadonlySet<string>;
  places: Map<string, string>;
  lists: Record<string, string>;
  context: PlanContext;
}

function planImage(index: number, image: CacheImage, around: ImageContext): SiteImage {
  const { subset, there, places } = around;
  const { repository, tag } = image.from;
  const blobs = [...subset.blobs.values()];
  const has = (at: string, digest: string, size: number): boolean =>
    there.has(keyOf({ kind: 'blobs', repository: at, name: digest, expected: String(size) }));
  const manifest = (name: string, digest: string): boolean =>
    there.has(keyOf({ kind: 'manifests', repository, name, expected: digest }));
  const others = [...new Set(around.context.images.map(({ from }) => from.repository))].filter(
    (one) => one !== repository,
  );
  const elsewhere = new Map<string, string>();
  for (const { digest, size } of blobs) {
    const from = others.find((other) => has(other, digest, size)) ?? places.get(digest);
    if (from !== undefined && from !== repository) elsewhere.set(digest, from);
  }
  const held: Held = {
    blobs: new Set(
      blobs
        .filter(({ digest, size }) => has(repository, digest, size) || places.get(digest) === repository)
        .map(({ digest }) => digest),
    ),
    manifests: new Set(
      subset.manifests.map(({ descriptor }) => descriptor.digest).filter((digest) => manifest(digest, digest)),
    ),
    elsewhere,
    partial: around.context.state.parts,
  };
  const copy = planCopy({ root: subset.root, manifests: subset.manifests, blobs: subset.blobs }, held);
  for (const { digest } of blobs) if (!places.has(digest)) places.set(digest, repository);
  const listed = listsFor(repository, subset, around);
  const tags = [...subset.tags, ...(tag === undefined ? [] : [[tag, subset.root] as const])];
  return {
    image: index,
    root: subset.root,
    blobs: copy.blobs,
    manifests: subset.manifests.map(({ descriptor }) => descriptor.digest),
    put: copy.manifests,
    tags: [...listed, ...tags.filter(([name, digest]) => !manifest(name, digest))],
    missing: copy.missing,
    total: copy.total,
  };
}

/** Fallback tags that a registry without referrers API needs, so that signatures are found; what the site lists already is kept. */
function listsFor(repository: string, { manifests }: Subset, { context, lists }: ImageContext): [string, string][] {
  const { question, state } = context;
  return question.subjects.flatMap((subject, index): [string, string][] => {
    const answer = state.referrers[index];
    const referrers = manifests.filter((each) => each.subject?.digest === subject.digest);
    if (subject.repository !== repository || referrers.length === 0 || answer === undefined || answer.api) return [];
    const raw = mergeReferrers(answer.raw, referrers);
    if (raw === undefined) return [];
    const digest = digestOf(raw);
    lists[digest] = raw.toString('base64');
    return [[referrersTag(subject.digest), digest]];
  });
}

/** The media type of the lists that {@link planSite} makes. */
export const listType = mediaTypes.index;

function sourcesOf(images: readonly SiteImage[], { images: all, question }: PlanContext): number[] {
  const open = images.filter(({ blobs }) => blobs.some((blob) => missingOf(blob) > 0));
  return open.map(({ image }) => question.sources.indexOf(sourceUrl(all[image])));
}

/** Scheme and host that an image comes from. */
export function sourceUrl(image: CacheImage | undefined): string {
  if (image === undefined) return '';
  const { registry } = image.from;
  // Docker Hub's registry has another name than its images.
  return `${image.insecure ? 'http' : 'https'}://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}`;
}

interface TimeContext {
  state: SiteState;
  now: number;
  deadline: number | undefined;
}

function inTime(
  link: SiteLink | undefined,
  { missing, rate, monthly }: SitePlan,
  { state, now, deadline }: TimeContext,
): Pick<SitePlan, 'eta' | 'nights' | 'windows' | 'late'> {
  if (missing === 0) return { windows: [], late: false };
  const [near, far] = horizonsMs;
  let intervals = openIntervals(link, now, now + near);
  const windows = (link?.windows.length ?? 0) === 0 ? [] : intervals.map(({ from, to }) => [from, to] as const);
  if (rate === undefined) return { windows, late: false };
  const bounded = monthly === undefined ? undefined : { bytes: monthly, used: state.monthUsed };
  const reckon = (): number | undefined => finishAt(missing, { bytesPerSecond: rate, intervals, monthly: bounded });
  let eta = reckon();
  if (eta === undefined) {
    intervals = openIntervals(link, now, now + far);
    eta = reckon();
  }
  const late = eta === undefined || (deadline !== undefined && eta > deadline);
  return { windows, late, ...(eta === undefined ? {} : { eta, nights: countUntil(intervals, eta) }) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
