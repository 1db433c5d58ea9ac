import { homedir } from 'node:os';
import { EdgectlError } from '../errors/error.js';
import type { Fleet } from '../fleet/types.js';
import type { Journal } from '../journal/journal.js';
import type { RunRecord } from '../journal/runs.js';
import type { Plan } from '../plan/types.js';
import type { Clock } from '../util/clock.js';
import type { Io } from './io.js';

/** Opens the fleet's journal for some work and closes it after, also when the work throws. */
export async function withJournal<R>(
  where: { fleet: Fleet; io: Io; clock: Clock; lookOnly?: boolean },
  work: (journal: Journal) => Promise<R>,
): Promise<R> {
  const [{ openJournal }, { journalFile }] = await Promise.all([
    import('../journal/journal.js'),
    import('../journal/paths.js'),
  ]);
  const file = journalFile(where.fleet.id, where.io.env, where.io.env['HOME'] ?? homedir());
  const journal = await openJournal({ file, now: () => where.clock.now(), lookOnly: where.lookOnly ?? false });
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}

/** The run that a person means: its id, the beginning of it, or `last`. Throws RUN_NOT_FOUND. */
export async function findRun(journal: Journal, word: string): Promise<RunRecord> {
  const exact = await journal.runs.get(word.toUpperCase());
  if (exact) return exact;
  const runs = await journal.runs.list(1000);
  const [newest] = runs;
  if (word === 'last' && newest) return newest;
  const near = word.length < 4 ? [] : runs.filter((run) => run.id.startsWith(word.toUpperCase()));
  const [only] = near;
  if (near.length === 1 && only) return only;
  const message =
    near.length > 1 ? `${near.length} runs begin with ${word}.` : `The journal knows no run ${JSON.stringify(word)}.`;
  throw new EdgectlError('RUN_NOT_FOUND', { message });
}

/** The frozen plan of a run. Throws RUN_NOT_FOUND. */
export async function planOfRun(journal: Journal, word: string): Promise<Plan> {
  const run = await findRun(journal, word);
  const plan = await journal.runs.plan(run.id);
  if (plan !== undefined) return plan;
  throw new EdgectlError('RUN_NOT_FOUND', { message: `The journal has no plan for run ${run.id}.` });
}
