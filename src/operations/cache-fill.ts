import { curlCredentials } from '../cache/credentials.js';
import type { FillState, JobEvent } from '../cache/fill-site.js';
import { startJob, watchJob } from '../cache/fill-site.js';
import type { JobManner } from '../cache/job.js';
import { buildJob } from '../cache/job.js';
import { pushParts } from '../cache/push-parts.js';
import { isOpen } from '../cache/site-plan.js';
import type { CachePlan, SitePlan } from '../cache/types.js';
import { EdgectlError } from '../errors/error.js';
import type { Fleet } from '../fleet/types.js';
import type { NodeClient } from '../node/client.js';
import { tokenBucket } from '../registry/rate-limit.js';
import type { RegistrySettings } from '../registry/settings.js';
import { registrySettings } from '../registry/settings.js';
import { mapLimit } from '../util/map-limit.js';
import type { CacheSurroundings } from './cache-plan.js';

/** How a fill is carried out. */
export interface FillRequest {
  manner: JobManner;
  /** Sites that take from the centre at once. */
  atOnce: number;
  /** Start the jobs, and do not watch them. */
  detach: boolean;
  /** Ends the watching; jobs go on. */
  leave: AbortSignal;
  everyMs: number;
  onState: (site: string, state: FillState, events: readonly JobEvent[]) => void;
}

/** How one site ended, or stands. */
export interface FilledSite extends FillState {
  site: string;
  node: string;
  job: string;
  missing: number;
}

/** Starts a job at each site that lacks something and watches them. Throws PLAN_STALE when the plan is another fleet's, or a site has changed. */
export async function fillCache(
  fleet: Fleet,
  plan: CachePlan,
  client: Pick<NodeClient, 'runScript' | 'exec'>,
  request: FillRequest,
  around: CacheSurroundings,
): Promise<FilledSite[]> {
  for (const site of plan.sites) mustBeOf(fleet, plan, site);
  const { env, homedir, signal, caFile } = around;
  const settings = await registrySettings({ env: { HOME: homedir, ...env }, signal, caFile });
  const { setTimeout: sleep } = await import('node:timers/promises');
  const pause = async (ms: number): Promise<void> => {
    const until = AbortSignal.any([signal, request.leave]);
    await sleep(ms, undefined, { signal: until }).catch(() => undefined);
  };
  return await mapLimit(plan.sites, request.atOnce, async (site): Promise<FilledSite> => {
    const job = buildJob(plan.fleet.id, site, plan.images, { ...request.manner, now: around.now() });
    const named = { site: site.site, node: site.node, job: job.id, missing: site.missing };
    const ended = (state: FillState['state'], why: string): FilledSite => ({
      ...named,
      ...{ state, why, brought: 0, spooled: 0 },
    });
    if (!site.images.some(isOpen)) return ended('done', '');
    if (site.problems.length > 0) return ended('failed', site.problems.join('; '));
    if (request.leave.aborted) return ended('stopped', 'not started');
    const spool = fleet.sites?.get(site.site)?.registry?.spool ?? '';
    if (site.executor === 'push') {
      const window = windowAt(site, around.now());
      if (window === undefined) return ended('waiting', 'it is pushed to, and its line may not be used now');
      const failed = await push(site, { plan, client, settings, around, spool, window });
      if (failed !== undefined) return ended('failed', failed);
    }
    const secrets = await secretsOf(site, plan, settings, job.sources);
    const begun = await startJob(client, site.node, job, { spool, secrets, signal });
    signal.throwIfAborted();
    request.onState(site.site, begun, []);
    if (request.detach || begun.state === 'refused' || begun.state === 'unreachable') return { ...named, ...begun };
    const { leave, everyMs, onState } = request;
    const watch = { signal, leave, pause, everyMs, onState: onState.bind(undefined, site.site) };
    return { ...named, ...(await watchJob(client, site.node, job.id, spool, watch)) };
  });
}

/** A plan file may come from anybody; where it leads to is what the fleet says. */
function mustBeOf(fleet: Fleet, plan: CachePlan, { site, node, registry }: SitePlan): void {
  const declared = fleet.sites?.get(site)?.registry;
  const own = fleet.nodes.find(({ id }) => id === node);
  const stale = (reason: string) =>
    new EdgectlError('PLAN_STALE', { message: `The cache plan does not fit: ${reason}.`, hint: 'make the plan again' });
  if (plan.fleet.id !== fleet.id) throw stale('it is of another fleet');
  if (declared === undefined || declared.url !== registry) throw stale(`the registry of ${site} is another one now`);
  if (own === undefined || own.site !== site || (declared.lead ?? node) !== node)
    throw stale(`${node} is not the lead node of ${site} now`);
}

async function push(
  site: SitePlan,
  { plan, client, settings, around, spool, window }: PushContext,
): Promise<string | undefined> {
  const time = { now: () => performance.now(), pause: settings.pause };
  const limit = site.rate === undefined ? undefined : tokenBucket(site.rate, time);
  const ends = Number.isFinite(window) ? [AbortSignal.timeout(window - around.now())] : [];
  const signal = AbortSignal.any([around.signal, ...ends]);
  return await pushParts(client, site, plan.images, { settings, spool, limit, signal });
}

interface PushContext {
  plan: CachePlan;
  client: Pick<NodeClient, 'exec'>;
  settings: RegistrySettings;
  around: CacheSurroundings;
  spool: string;
  window: number;
}

/** When the window ends in which a line may be used now; Infinity when it may always be, undefined when not now. */
function windowAt({ windows }: SitePlan, now: number): number | undefined {
  if (windows.length === 0) return Infinity;
  return windows.find(([from, to]) => from <= now && now < to)?.[1];
}

/** Lines WHO, tab, what curl reads: for the site's registry, and for each source that it pulls from. */
async function secretsOf(
  site: SitePlan,
  plan: CachePlan,
  { credentials }: RegistrySettings,
  sources: readonly string[],
): Promise<string> {
  const lines: [string, string][] = [['registry', await curlCredentials(credentials, new URL(site.registry).host, '')]];
  const names = new Map(plan.images.map(({ from }) => [hostOf(from.registry), from] as const));
  if (site.executor === 'pull') {
    for (const [index, url] of sources.entries()) {
      const from = names.get(new URL(url).host);
      if (from !== undefined)
        lines.push([`s${index}`, await curlCredentials(credentials, from.registry, from.repository)]);
    }
  }
  return lines
    .filter(([, line]) => line !== '')
    .map(([who, line]) => `${who}\t${line}`)
    .join('\n');
}

function hostOf(registry: string): string {
  return registry === 'docker.io' ? 'registry-1.docker.io' : registry;
}
