import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FillState, JobEvent } from '../cache/fill-site.js';
import { maxCachePlanBytes, readCachePlan } from '../cache/plan-file.js';
import { isOpen } from '../cache/site-plan.js';
import type { CachePlan } from '../cache/types.js';
import { EdgectlError } from '../errors/error.js';
import type { Fleet } from '../fleet/types.js';
import type { NodeClient } from '../node/client.js';
import type { NodeVerdict } from '../node/exit-code.js';
import { exitCodeOf } from '../node/exit-code.js';
import type { FilledSite, FillRequest } from './cache-fill.js';
import { fillCache } from './cache-fill.js';
import type { CacheSurroundings } from './cache-plan.js';
import { planCache } from './cache-plan.js';

/** A line about a site while it is filled. */
export interface Line {
  site: string;
  what: string;
  image: string;
  why: string;
  bytes: number;
  of: number;
}

/** What `cache fill` was asked for. */
export interface FillForFleet extends Pick<FillRequest, 'manner' | 'atOnce' | 'detach' | 'leave'> {
  sites: readonly string[];
  forRollout: boolean;
  /** A plan file instead of a plan that is made now. */
  file: string | undefined;
  cwd: string;
  around: CacheSurroundings;
  /** Shows the plan and asks; throws when the answer is no. */
  agree: (plan: CachePlan, question: string) => Promise<void>;
  onLine: (line: Line) => void;
}

/** Milliseconds between two looks at a site, and between two lines that say only how far it is. */
const lookMs = 2000;
const heartbeatMs = 15_000;

/** Plans or reads a plan, asks, fills. Throws what planning and {@link fillCache} throw, PLAN_INVALID, PLAN_DIGEST. */
export async function fillForFleet(
  fleet: Fleet,
  client: Pick<NodeClient, 'runScript' | 'exec'>,
  request: FillForFleet,
): Promise<{ sites: FilledSite[]; exitCode: number }> {
  const { file, around } = request;
  const plan =
    file === undefined
      ? await planCache(fleet, client, request, around)
      : await readPlan(path.resolve(request.cwd, file), request.sites);
  const open = plan.sites.filter(({ images }) => images.some(isOpen));
  if (open.length > 0) await request.agree(plan, `Fill ${open.length === 1 ? '1 site' : `${open.length} sites`}?`);
  const sites = await fillCache(
    fleet,
    plan,
    client,
    { ...request, everyMs: lookMs, onState: reporter(plan, request.onLine, around.now) },
    around,
  );
  const verdicts = sites.map(({ state }): NodeVerdict => verdictOf(state, request.detach));
  return { sites, exitCode: exitCodeOf([...verdicts, ...plan.unasked.map(({ kind }) => kind)]) };
}

async function readPlan(file: string, sites: readonly string[]): Promise<CachePlan> {
  const fail = (why: string, cause?: unknown) =>
    new EdgectlError('PLAN_INVALID', { message: `The cache plan ${file} ${why}.`, cause });
  const text = await stat(file)
    .then(async ({ size }) => {
      if (size > maxCachePlanBytes) throw fail('is larger than any plan');
      return await readFile(file, 'utf8');
    })
    .catch((error: unknown) => {
      throw error instanceof EdgectlError ? error : fail('cannot be read', error);
    });
  const plan = readCachePlan(text);
  if (sites.length === 0) return plan;
  return { ...plan, sites: plan.sites.filter(({ site }) => sites.includes(site)) };
}

function verdictOf(state: FillState['state'], detached: boolean): NodeVerdict {
  if (state === 'done') return 'ok';
  if (state === 'unreachable') return 'unreachable';
  return detached && (state === 'running' || state === 'waiting') ? 'ok' : 'failed';
}

/** Says what changed at a site, and now and then how far it is. */
function reporter(plan: CachePlan, onLine: (line: Line) => void, now: () => number): FillRequest['onState'] {
  const last = new Map<string, { said: string; at: number }>();
  const sizes = new Map(plan.sites.map(({ site, missing }) => [site, missing]));
  const nameOf = (id: string): string => plan.images[Number(id.replace('i', ''))]?.name ?? '';
  return (site, state, events) => {
    const place = { site, bytes: state.brought + state.spooled, of: sizes.get(site) ?? 0 };
    for (const event of events.filter(isNews))
      onLine({ ...place, what: event.type, image: nameOf(event.image), why: event.why ?? event.digest ?? '' });
    const said = `${state.state} ${state.why}`;
    const before = last.get(site);
    if (before?.said === said && now() - before.at < heartbeatMs) return;
    last.set(site, { said, at: now() });
    onLine({ ...place, what: state.state, image: '', why: state.why });
  };
}

function isNews({ type }: JobEvent): boolean {
  return ['done', 'failed', 'image_failed', 'wrong', 'restart'].includes(type);
}
