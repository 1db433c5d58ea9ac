import { curlCredentials } from '../cache/credentials.js';
import { lookAt } from '../cache/fill-site.js';
import type { JobState } from '../cache/probe.js';
import type { VerifiedSite } from '../cache/verify.js';
import { verifySite } from '../cache/verify.js';
import { wishesOf } from '../cache/wishes.js';
import type { Fleet } from '../fleet/types.js';
import type { NodeClient } from '../node/client.js';
import type { NodeVerdict } from '../node/exit-code.js';
import { exitCodeOf } from '../node/exit-code.js';
import { dockerCredentials } from '../registry/credentials.js';
import { mapLimit } from '../util/map-limit.js';
import type { CachePlanRequest, CacheSurroundings } from './cache-plan.js';
import { planCache } from './cache-plan.js';

/** What the jobs of one site are doing. */
export interface SiteJobs {
  site: string;
  node: string;
  jobs: readonly JobState[];
  /** Why they are not known. */
  why?: string;
}

/** The jobs of sites, the running ones first; one round trip a site. Throws CACHE_NO_SITE. */
export async function cacheJobs(
  fleet: Fleet,
  client: Pick<NodeClient, 'runScript'>,
  request: CachePlanRequest,
  { signal }: CacheSurroundings,
): Promise<{ sites: SiteJobs[]; exitCode: number }> {
  const { sites } = wishesOf(fleet, request);
  const found = await mapLimit(sites, 64, async ({ site, node, settings }): Promise<SiteJobs> => {
    const look = await lookAt(client, node, { job: '', spool: settings.spool ?? '', after: 0, signal });
    if (!('jobs' in look)) return { site, node, jobs: [], why: 'broken' in look ? look.broken : look.unreachable };
    return { site, node, jobs: [...look.jobs].sort((a, b) => Number(b.alive) - Number(a.alive)) };
  });
  const verdicts = found.map(({ why }): NodeVerdict => (why === undefined ? 'ok' : 'unreachable'));
  return { sites: found, exitCode: exitCodeOf(verdicts) };
}

/** Which sites have everything that they shall have. Throws what planning throws. */
export async function verifyCache(
  fleet: Fleet,
  client: Pick<NodeClient, 'runScript'>,
  request: CachePlanRequest & { deep: boolean },
  around: CacheSurroundings,
): Promise<{ sites: VerifiedSite[]; exitCode: number }> {
  const plan = await planCache(fleet, client, request, around);
  const { env, homedir, signal } = around;
  const credentials = dockerCredentials({ HOME: homedir, ...env });
  const verified = await mapLimit(plan.sites, 16, async (site) =>
    verifySite(client, site, plan.images, {
      deep: request.deep,
      credentials: await curlCredentials(credentials, new URL(site.registry).host, ''),
      spool: fleet.sites?.get(site.site)?.registry?.spool ?? '',
      signal,
    }),
  );
  const silent = plan.unasked.map(({ site, node, message }): VerifiedSite => {
    return { site, node, ok: false, incomplete: [], wrong: [], read: 0, why: message };
  });
  const verdicts = verified.map(({ ok }): NodeVerdict => (ok ? 'ok' : 'failed'));
  return {
    sites: [...verified, ...silent],
    exitCode: exitCodeOf([...verdicts, ...plan.unasked.map(({ kind }) => kind)]),
  };
}
