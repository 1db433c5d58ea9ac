import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readImages } from '../../src/cache/images.js';
import { buildJob } from '../../src/cache/job.js';
import type { FillState } from '../../src/cache/fill-site.js';
import { startJob } from '../../src/cache/fill-site.js';
import { probeScript, questionOf, readProbe } from '../../src/cache/probe.js';
import { planSite, sourceUrl } from '../../src/cache/site-plan.js';
import type { CacheImage, SitePlan } from '../../src/cache/types.js';
import type { SiteLink } from '../../src/fleet/types.js';
import { localSite } from './local-site.js';
import { testSettings } from './oci.js';
import { until } from './until.js';

/** What a test may set on a job. */
export interface FillOptions {
  link?: SiteLink;
  patience?: number;
  secrets?: string;
  credentials?: string;
  /** Milliseconds that the plan takes for now. */
  now?: number;
  /** The same for the job: windows that begin later are begun with a delay. */
  jobNow?: number;
  edit?: (plan: SitePlan) => SitePlan;
}

/** A site whose jobs are planned, started and looked at through the real scripts under a given shell, without SSH. */
export class CacheBench {
  readonly dir = mkdtempSync(join(tmpdir(), 'edgectl-spool-'));
  readonly spool = join(this.dir, 'spool');
  readonly site: ReturnType<typeof localSite>;

  constructor(
    private readonly registry: string,
    shell: readonly string[] = ['sh'],
  ) {
    this.site = localSite(shell);
  }

  /** Reads images at the centre. */
  async read(...images: string[]): Promise<CacheImage[]> {
    const wanted = images.map((image) => ({ image, platforms: 'nodes' as const, insecure: true }));
    return await readImages(wanted, testSettings());
  }

  /** Asks the site and plans for it. */
  async plan(images: readonly CacheImage[], options: FillOptions = {}): Promise<SitePlan> {
    const question = questionOf(images, [...new Set(images.map(sourceUrl))]);
    const { spool, registry } = this;
    const script = await probeScript(question, { registry, spool, credentials: options.credentials ?? '' });
    const answer = await this.site.runScript('lead', script, never);
    if (answer.kind !== 'ok') throw new Error(JSON.stringify(answer));
    const state = readProbe(answer.lines, question);
    if (typeof state === 'string') throw new Error(state);
    const { link, now = Date.now() } = options;
    const asked = { site: 'berlin', node: 'lead', registry, link, wants: images.map((_, index) => index) };
    const plan = planSite(
      { ...asked, architectures: ['amd64'] },
      { images, question, state, now, deadline: undefined },
    );
    return options.edit?.(plan) ?? plan;
  }

  /** Plans and starts; answers the job's id. */
  async start(images: readonly CacheImage[], options: FillOptions = {}): Promise<{ job: string; state: FillState }> {
    const plan = await this.plan(images, options);
    const manner = { patience: options.patience ?? 120, backoff: 1, now: options.jobNow ?? Date.now() };
    const job = buildJob('fleet', plan, images, manner);
    const place = { spool: this.spool, secrets: options.secrets ?? '', signal: never.signal };
    return { job: job.id, state: await startJob(this.site, 'lead', job, place) };
  }

  /** The job's state file, by key. */
  state(job: string): Record<string, string> {
    const text = readFileSync(join(this.spool, 'jobs', job, 'state'), 'utf8');
    return Object.fromEntries(
      text.split('\n').map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]),
    );
  }

  /** Waits until a job has ended; answers its state. */
  async ended(job: string): Promise<Record<string, string>> {
    return await until('the job is over', () => this.state(job), {
      within: 180_000,
      good: ({ state }) => ['done', 'failed', 'stopped'].includes(state ?? ''),
    });
  }

  events(job: string): { t: string; why?: string; bytes?: number }[] {
    const text = readFileSync(join(this.spool, 'jobs', job, 'status.jsonl'), 'utf8');
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { t: string });
  }

  /** Bytes of parts in the spool. */
  parts(): number {
    const dir = join(this.spool, 'parts');
    return readdirSync(dir)
      .filter((name) => !name.endsWith('.counted'))
      .reduce((sum, name) => sum + readFileSync(join(dir, name)).length, 0);
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }
}

const never = { sudo: false, changing: true, timeoutMs: 60_000, signal: new AbortController().signal };
