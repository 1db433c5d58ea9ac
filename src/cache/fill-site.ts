import type { NodeClient } from '../node/client.js';
import type { KitLine } from '../node/types.js';
import { escapeForTerminal } from '../util/escape.js';
import type { Job } from './job.js';
import { startScript } from './job.js';
import type { JobState } from './probe.js';
import { jobOf, numberOf } from './probe.js';
import { siteScript } from './script.js';

/** One line of a job's status.jsonl. */
export interface JobEvent {
  type: string;
  image: string;
  /** Seconds since the epoch, by the site's clock. */
  at: number;
  digest?: string;
  bytes?: number;
  why?: string;
}

/** How a site's job stands. */
export interface FillState {
  /** `unreachable` says nothing about the job, which goes on by itself. */
  state: 'done' | 'failed' | 'stopped' | 'running' | 'waiting' | 'lost' | 'unreachable' | 'refused';
  why: string;
  /** Bytes that the job brought in, and those that lie in the spool. */
  brought: number;
  spooled: number;
}

/** How a job is watched. */
export interface WatchOptions {
  signal: AbortSignal;
  /** Ends the watching, not the job. */
  leave: AbortSignal;
  pause: (ms: number) => Promise<void>;
  /** Milliseconds between two looks. */
  everyMs: number;
  onState: (state: FillState, events: readonly JobEvent[]) => void;
}

const callMs = 120_000;
/** Answers in a row that make no sense. */
const maxBroken = 5;
const final = new Set<FillState['state']>(['done', 'failed', 'stopped', 'lost', 'refused']);

/** Starts a job at its site, or finds it running there. */
export async function startJob(
  client: Pick<NodeClient, 'runScript'>,
  node: string,
  job: Job,
  site: { spool: string; secrets: string; signal: AbortSignal },
): Promise<FillState> {
  const script = await startScript(job, site);
  const how = { sudo: false, changing: true, timeoutMs: callMs, signal: site.signal };
  const answer = await client.runScript(node, script, how);
  if (answer.kind === 'ok') return stateOf(answer.lines.find(({ t }) => t === 'job'));
  if (answer.kind === 'refused') return { ...nothing, state: 'refused', why: answer.reason };
  return { ...nothing, state: answer.kind === 'unreachable' ? 'unreachable' : 'refused', why: answer.message };
}

/** Watches a job until it is over or somebody leaves. A site that does not answer is asked again: its job lives on. */
export async function watchJob(
  client: Pick<NodeClient, 'runScript'>,
  node: string,
  job: string,
  spool: string,
  options: WatchOptions,
): Promise<FillState> {
  let seen = 0;
  let brought = 0;
  let broken = 0;
  let last: FillState = { ...nothing, state: 'running', why: '' };
  for (;;) {
    const look = await lookAt(client, node, { job, spool, after: seen, signal: options.signal });
    if ('broken' in look) {
      last = { ...last, state: ++broken < maxBroken ? 'unreachable' : 'lost', why: look.broken };
      if (last.state === 'lost') return last;
    } else if ('unreachable' in look) last = { ...last, state: 'unreachable', why: look.unreachable };
    else {
      broken = 0;
      seen += look.events.length;
      brought += look.events.reduce((sum, { type, bytes }) => sum + (type === 'blob' ? (bytes ?? 0) : 0), 0);
      last = { ...look.state, brought };
      options.onState(last, look.events);
      if (final.has(last.state)) return last;
    }
    if (last.state === 'unreachable') options.onState(last, []);
    if (options.leave.aborted) return last;
    await options.pause(options.everyMs);
  }
}

type Look =
  | { state: FillState; events: JobEvent[]; jobs: JobState[] }
  | { unreachable: string }
  /** It answers, and not as it should. */
  | { broken: string };

/** One look at the jobs of a site, and at what one of them wrote since a line. */
export async function lookAt(
  client: Pick<NodeClient, 'runScript'>,
  node: string,
  { job, spool, after, signal }: { job: string; spool: string; after: number; signal: AbortSignal },
): Promise<Look> {
  const script = await siteScript('status', { job, spool, after: String(after), credentials: '' });
  const answer = await client.runScript(node, script, { sudo: false, changing: false, timeoutMs: callMs, signal });
  signal.throwIfAborted();
  if (answer.kind === 'unreachable') return { unreachable: answer.message };
  if (answer.kind !== 'ok') return { broken: answer.kind === 'refused' ? answer.reason : answer.message };
  const jobs = answer.lines.filter(({ t }) => t === 'job').map(jobOf);
  const events = answer.lines.filter(({ t }) => t !== 'job' && t !== 'month').map(eventOf);
  const own = answer.lines.find(({ t, id }) => t === 'job' && id === job);
  return { state: stateOf(own), events, jobs };
}

const nothing = { why: '', brought: 0, spooled: 0 };

function stateOf(line: KitLine | undefined): FillState {
  if (line === undefined) return { ...nothing, state: 'lost', why: 'the site knows no such job' };
  const { state, alive, why, spooled } = jobOf(line);
  const known = (['done', 'failed', 'stopped', 'running', 'waiting'] as const).find((one) => one === state) ?? 'lost';
  if (alive || ['done', 'failed', 'stopped'].includes(known)) return { state: known, why, brought: 0, spooled };
  return { state: 'lost', why: 'its runner is gone (power cut, kill)', brought: 0, spooled };
}

function eventOf(line: KitLine): JobEvent {
  const { t, image, at, digest, bytes, why } = line;
  return {
    type: t,
    image: typeof image === 'string' ? image : '',
    at: numberOf(at),
    ...(typeof digest === 'string' ? { digest: escapeForTerminal(digest) } : {}),
    ...(bytes === undefined ? {} : { bytes: numberOf(bytes) }),
    ...(typeof why === 'string' ? { why } : {}),
  };
}
