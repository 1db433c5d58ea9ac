import type { NodeClient } from '../node/client.js';
import { siteScript, textFunction } from './script.js';
import { isOpen } from './site-plan.js';
import type { CacheImage, SitePlan } from './types.js';

/** What is wrong at one site. */
export interface VerifiedSite {
  site: string;
  node: string;
  /** Everything that shall be there is there, and is right as far as it was looked at. */
  ok: boolean;
  /** Names of images of which something is missing. */
  incomplete: readonly string[];
  /** Digests whose bytes at the site are others. */
  wrong: readonly string[];
  /** Blobs that were read back. */
  read: number;
  /** Why nothing can be said. */
  why?: string;
}

/** The largest number of blobs that one script reads back: their answers must fit into one. */
const most = 5000;

/** Which images a site has whole; deep reads every blob back over the site's loopback and hashes it. */
export async function verifySite(
  client: Pick<NodeClient, 'runScript'>,
  plan: SitePlan,
  images: readonly CacheImage[],
  options: { deep: boolean; credentials: string; spool: string; signal: AbortSignal },
): Promise<VerifiedSite> {
  const place = { site: plan.site, node: plan.node };
  const incomplete = plan.images.filter(isOpen).map(({ image }) => images[image]?.name ?? '');
  const lacking = [...incomplete, ...plan.problems.filter((problem) => problem.includes('has no image for'))];
  const found = { ...place, incomplete: lacking, wrong: [], read: 0, ok: lacking.length === 0 };
  if (!options.deep) return found;
  const blobs = new Map(
    plan.images.flatMap(({ image, blobs: own }) =>
      own
        .filter(({ action }) => action === 'have')
        .map(({ digest }) => [digest, images[image]?.from.repository ?? ''] as const),
    ),
  );
  const items = [...blobs].slice(0, most);
  const { credentials, spool, signal } = options;
  const script = await siteScript('verify', { registry: plan.registry, spool, credentials }, [
    textFunction('items', items.map(([digest, repository]) => `blobs ${repository} ${digest} -`).join('\n')),
  ]);
  const how = { sudo: false, changing: false, timeoutMs: 3_600_000, signal };
  const answer = await client.runScript(plan.node, script, how);
  if (answer.kind !== 'ok')
    return { ...found, ok: false, why: answer.kind === 'refused' ? answer.reason : answer.message };
  const good = new Set(answer.lines.filter(({ t, ok }) => t === 'verified' && ok === true).map(({ item }) => item));
  const wrong = items.filter((_, index) => !good.has(index)).map(([digest]) => digest);
  return { ...found, wrong, read: items.length, ok: found.ok && wrong.length === 0 };
}
