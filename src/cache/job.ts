import { createHash } from 'node:crypto';
import { heredoc, sitePart, siteScript, textFunction } from './script.js';
import { listType, sourceUrl } from './site-plan.js';
import type { CacheImage, SiteImage, SitePlan } from './types.js';

/** How a job behaves. */
export interface JobManner {
  /** Seconds without a byte until a blob is given up. */
  patience: number;
  /** Seconds before the second attempt; doubled up to a minute. */
  backoff: number;
}

/** What a site needs to be filled. */
export interface Job {
  id: string;
  /** Texts by path below the job's directory. */
  files: ReadonlyMap<string, string>;
  /** Bytes by path. */
  manifests: ReadonlyMap<string, Buffer>;
  /** Sources by number. */
  sources: readonly string[];
}

/** Bytes that may be read twice when a source cannot continue. */
const discardBytes = 64 * 1024 * 1024;
const reserveBytes = 32 * 1024 * 1024;
/** Streams at once when the line has no limit: three fill a long line better than one. A limit is kept by one. */
const parallel = 3;

/**
 * The name of a job: what the site shall have, not what it lacks today. So the same wish asked again is the same job, and is attached
 * to when it runs already. Pure.
 */
export function jobId(fleetId: string, plan: SitePlan, images: readonly CacheImage[]): string {
  const wish = plan.images.map(({ image, root, manifests }) => [images[image]?.name, root, manifests]);
  return createHash('sha256')
    .update(JSON.stringify(['edgectl.cache-job/1', fleetId, plan.site, plan.registry, wish]))
    .digest('hex')
    .slice(0, 32);
}

/** Writes the job of a site. `now` in milliseconds. Pure. */
export function buildJob(
  fleetId: string,
  plan: SitePlan,
  images: readonly CacheImage[],
  manner: JobManner & { now: number },
): Job {
  const id = jobId(fleetId, plan, images);
  const sources = [...new Set(plan.images.map(({ image }) => sourceUrl(images[image])))];
  const files = new Map<string, string>();
  const manifests = new Map<string, Buffer>();
  const values = {
    job: id,
    registry: plan.registry,
    rate: plan.rate ?? 0,
    par: plan.rate === undefined && plan.monthly === undefined ? parallel : 1,
    monthly: plan.monthly ?? 0,
    patience: manner.patience,
    backoff: manner.backoff,
    discard: discardBytes,
    reserve: reserveBytes,
  };
  files.set(
    'job',
    lines(Object.entries(values), ([key, value]) => `${key}=${value}`),
  );
  files.set('windows', windowsText(plan, manner.now));
  files.set(
    'sources',
    lines([...sources.entries()], ([index, url]) => `${index} ${url}`),
  );
  files.set(
    'images',
    lines(plan.images, ({ image }) => `i${image}`),
  );
  for (const site of plan.images) {
    const image = images[site.image];
    if (image === undefined) continue;
    const source = plan.executor === 'push' ? '-' : String(sources.indexOf(sourceUrl(image)));
    addImage(files, { site, image, source });
    const types = new Map(image.manifests.map(({ descriptor, raw }) => [descriptor.digest, raw]));
    for (const digest of site.manifests) manifests.set(digest, types.get(digest) ?? Buffer.alloc(0));
  }
  for (const [digest, raw] of Object.entries(plan.lists)) manifests.set(digest, Buffer.from(raw, 'base64'));
  return { id, files, manifests, sources };
}

function addImage(
  files: Map<string, string>,
  { site, image, source }: { site: SiteImage; image: CacheImage; source: string },
): void {
  const { repository, tag } = image.from;
  const types = new Map(image.manifests.map(({ descriptor }) => [descriptor.digest, descriptor.mediaType]));
  const dir = `i${site.image}`;
  files.set(
    `${dir}/blobs`,
    lines(
      site.blobs,
      (blob) => `${blob.digest} ${blob.size} ${repository} ${source} ${blob.action === 'mount' ? blob.from : '-'}`,
    ),
  );
  files.set(
    `${dir}/manifests`,
    lines(site.manifests, (digest) => `${digest} ${repository} ${types.get(digest) ?? listType}`),
  );
  // The image's own tag last: until then nobody finds it.
  const ordered = [...site.tags].sort(([a], [b]) => Number(a === tag) - Number(b === tag));
  files.set(
    `${dir}/tags`,
    lines(ordered, ([name, digest]) => `${name} ${digest} ${repository} ${types.get(digest) ?? listType}`),
  );
}

/** Windows in seconds. Each site begins a little later than the window, so that two hundred do not begin at once. */
function windowsText({ site, windows }: SitePlan, now: number): string {
  const share = Number.parseInt(createHash('sha256').update(site).digest('hex').slice(0, 8), 16) / 2 ** 32;
  return lines(windows, ([from, to]) => {
    const jitter = from > now ? Math.min(300_000, (to - from) / 20) * share : 0;
    return `${Math.ceil((from + jitter) / 1000)} ${Math.floor(to / 1000)}`;
  });
}

/** The script that brings a job to its site and starts it there. `secrets` are lines WHO, tab, a line for curl. */
export async function startScript(job: Job, site: { spool: string; secrets: string }): Promise<string> {
  const write = [
    'write_job() (',
    'cd "$1" || exit 1',
    ...[...new Set([...job.files.keys()].filter((name) => name.includes('/')).map((name) => name.split('/')[0]))].map(
      (dir) => `mkdir '${dir ?? ''}' || exit 1`,
    ),
    ...[...job.files].map(([name, text]) => heredoc(`cat >'${name}'`, text, ' || exit 1')),
    ...[...job.manifests].map(([digest, raw]) =>
      heredoc(`base64 -d >'manifest/${digest}'`, raw.toString('base64').replace(/.{76}/g, '$&\n'), ' || exit 1'),
    ),
    ')',
  ].join('\n');
  const { spool, secrets } = site;
  return await siteScript('start', { job: job.id, credentials: '', spool, secrets }, [
    write,
    textFunction('runner', await sitePart('spool.sh')),
  ]);
}

function lines<T>(all: readonly T[], text: (one: T) => string): string {
  return all.map((one) => `${text(one)}\n`).join('');
}
