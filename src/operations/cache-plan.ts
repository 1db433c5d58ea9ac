import { existsSync } from 'node:fs';
import { curlCredentials } from '../cache/credentials.js';
import { readImages } from '../cache/images.js';
import { probeScript, questionOf, readProbe, unasked } from '../cache/probe.js';
import { planSite, sourceUrl } from '../cache/site-plan.js';
import type { CachePlan, SitePlan, UnaskedSite } from '../cache/types.js';
import type { Choice } from '../cache/wishes.js';
import { wishesOf } from '../cache/wishes.js';
import type { Fleet } from '../fleet/types.js';
import { journalFile } from '../journal/paths.js';
import type { NodeClient } from '../node/client.js';
import type { NodeVerdict } from '../node/exit-code.js';
import { exitCodeOf } from '../node/exit-code.js';
import { registrySettings } from '../registry/settings.js';
import { mapLimit } from '../util/map-limit.js';

/** What the cache commands get from outside. */
export interface CacheSurroundings {
  env: Readonly<Record<string, string | undefined>>;
  homedir: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  signal: AbortSignal;
  /** PEM certificates to trust besides the built-in ones. */
  caFile?: string | undefined;
}

/** What to plan. */
export interface CachePlanRequest extends Choice {
  /** Milliseconds since the epoch. */
  deadline?: number | undefined;
  onSite?: (asked: number, of: number) => void;
}

/** Sites asked at once: they wait much longer than they work. */
const concurrency = 64;
const probeMs = 300_000;

/**
 * What the sites' registries lack: images are read once at the centre, each site is asked in one round trip. A site that cannot be asked
 * is part of the result. Throws CACHE_NO_SITE, OCI_* errors.
 */
export async function planCache(
  fleet: Fleet,
  client: Pick<NodeClient, 'runScript'>,
  request: CachePlanRequest,
  around: CacheSurroundings,
): Promise<CachePlan> {
  const wishes = wishesOf(await withFacts(fleet, around), request);
  const { signal, env, now } = around;
  const settings = await registrySettings({ env: { HOME: around.homedir, ...env }, signal, caFile: around.caFile });
  const images = await readImages(wishes.images, settings);
  const sources = [...new Set(images.map(sourceUrl))];
  const madeAt = now();
  let asked = 0;
  const results = await mapLimit(wishes.sites, concurrency, async (site): Promise<SitePlan | UnaskedSite> => {
    // Only what this site wants: another site's thousand blobs are none of its business.
    const question = questionOf(
      images.filter((_, index) => site.wants.includes(index)),
      sources,
    );
    const credentials = await curlCredentials(settings.credentials, new URL(site.registry).host, '');
    const script = await probeScript(question, {
      registry: site.registry,
      spool: site.settings.spool ?? '',
      credentials,
    });
    const how = { sudo: false, changing: false, timeoutMs: probeMs, signal };
    const answer = await client.runScript(site.node, script, how);
    request.onSite?.(++asked, wishes.sites.length);
    if (answer.kind !== 'ok') return unasked(site, answer);
    const state = readProbe(answer.lines, question);
    if (typeof state === 'string') return unasked(site, state);
    return planSite(site, { images, question, state, now: madeAt, deadline: request.deadline });
  });
  signal.throwIfAborted();
  return {
    fleet: { id: fleet.id, digest: fleet.digest },
    madeAt,
    ...(request.deadline === undefined ? {} : { deadline: request.deadline }),
    images,
    sites: results.filter((one): one is SitePlan => 'executor' in one),
    unasked: results.filter((one): one is UnaskedSite => !('executor' in one)),
  };
}

/** 1 when a site cannot be filled, or not in time; 3 or 4 when all that is wrong is that sites could not be asked. */
export function cachePlanExitCode(plan: CachePlan): number {
  const verdicts = plan.sites.map((site): NodeVerdict => (site.problems.length > 0 || site.late ? 'failed' : 'ok'));
  return exitCodeOf([...verdicts, ...plan.unasked.map(({ kind }) => kind)]);
}

/** The fleet with what its nodes last said of themselves, when this computer knows it: their architectures. */
async function withFacts(fleet: Fleet, { env, homedir, now }: CacheSurroundings): Promise<Fleet> {
  const file = journalFile(fleet.id, env, homedir);
  if (fleet.knowledge !== undefined || !existsSync(file)) return fleet;
  const [{ openJournal }, { loadKnowledge }] = await Promise.all([
    import('../journal/journal.js'),
    import('./knowledge.js'),
  ]);
  const journal = await openJournal({ file, now, lookOnly: true });
  try {
    return { ...fleet, knowledge: await loadKnowledge(journal, fleet) };
  } finally {
    await journal.close();
  }
}
