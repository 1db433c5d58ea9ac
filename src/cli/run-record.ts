import { EdgectlError } from '../errors/error.js';
import type { AttemptRecord } from '../journal/attempts.js';
import type { Journal } from '../journal/journal.js';
import type { NodeRecord, RunRecord } from '../journal/runs.js';
import type { RunStatus } from '../render/run-status.js';
import { runStatus } from '../render/run-status.js';
import { findRun } from './journal.js';

type Holder = RunStatus['holder'];

/** The executor takes the journal's lease of a run under this name. */
const leaseName = (run: string): string => `run ${run}`;

/** The live process that works on a run; null when there is none. */
export async function holderOf(journal: Journal, run: string): Promise<Holder> {
  const holder = await journal.leases.holder(leaseName(run));
  if (holder === undefined || holder.stale) return null;
  const { owner, host, pid, since } = holder;
  return { owner, host, pid, since };
}

/** Everything that the journal has of a run, put together for people and programs. Throws RUN_NOT_FOUND. */
export async function statusOfRun(journal: Journal, word: string): Promise<RunStatus> {
  const run = await findRun(journal, word);
  const plan = await journal.runs.plan(run.id);
  if (!plan) throw new EdgectlError('RUN_NOT_FOUND', { message: `The journal has no plan of run ${run.id}.` });
  const [nodes, stages, holder] = await Promise.all([
    journal.runs.nodes(run.id),
    journal.runs.stages(run.id),
    holderOf(journal, run.id),
  ]);
  const { id, kind, state, exitCode, message, startedAt, updatedAt, finishedAt } = run;
  return runStatus({
    run: { id, kind, state, exitCode, message, startedAt, updatedAt, finishedAt },
    plan,
    nodes,
    stages,
    holder,
  });
}

/** An attempt without its nonce, which is a secret until the confirmation. */
export type ShownAttempt = Omit<AttemptRecord, 'nonce'>;

/** What the journal has of one node of a run. Throws RUN_NOT_FOUND, NODE_NOT_FOUND. */
export async function nodeOfRun(
  journal: Journal,
  word: string,
  node: string,
): Promise<{ run: string; record: NodeRecord; attempts: ShownAttempt[] }> {
  const { id } = await findRun(journal, word);
  const record = (await journal.runs.nodes(id)).find((one) => one.node === node);
  if (!record) {
    throw new EdgectlError('NODE_NOT_FOUND', {
      message: `Run ${id} has nothing about a node ${JSON.stringify(node)}.`,
      hint: `edgectl run status ${id}`,
    });
  }
  const attempts = (await journal.attempts.list(id, node)).map(({ nonce: _nonce, ...shown }) => shown);
  return { run: id, record, attempts };
}

const ended = new Set<RunRecord['state']>(['aborted', 'succeeded', 'failed', 'rolled_back']);

/** Aborts a run: asks the process that works on it, or ends it here when there is none. Throws RUN_STATE when it is over. */
export async function abortRun(
  journal: Journal,
  run: RunRecord,
): Promise<{ state: RunRecord['state']; holder: Holder }> {
  if (ended.has(run.state))
    throw new EdgectlError('RUN_STATE', {
      message: `Run ${run.id} is over already: ${run.state.replaceAll('_', ' ')}.`,
    });
  const holder = await holderOf(journal, run.id);
  const { abortRun: abort } = await import('../executor/executor.js');
  const done = await abort(run.id, { journal });
  return done === 'asked' ? { state: run.state, holder } : { state: 'aborted', holder: null };
}
