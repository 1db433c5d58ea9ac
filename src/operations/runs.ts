import { EdgectlError } from '../errors/error.js';
import type { Journal } from '../journal/journal.js';
import type { RunRecord } from '../journal/runs.js';
import type { Plan } from '../plan/types.js';
import type { Workbench } from './workbench.js';

/** The run that a person means by an id or a part of one that only one run has. Throws RUN_NOT_FOUND. */
export async function findRun(journal: Journal, typed: string): Promise<RunRecord> {
  const wanted = typed.toUpperCase();
  const exact = await journal.runs.get(wanted);
  if (exact !== undefined) return exact;
  const runs = await journal.runs.list(10_000);
  const close = wanted.length < 4 ? [] : runs.filter((run) => run.id.startsWith(wanted) || run.id.endsWith(wanted));
  const [only] = close;
  if (only !== undefined && close.length === 1) return only;
  throw new EdgectlError('RUN_NOT_FOUND', {
    message:
      close.length > 1
        ? `${close.length} runs begin or end with ${wanted}.`
        : `The journal of this computer knows no run ${wanted}.`,
    hint: close.length > 1 ? 'edgectl run list' : 'edgectl run list, or edgectl apply FILE with the plan of the run',
  });
}

/** The frozen plan of a run. Throws RUN_NOT_FOUND. */
export async function planOfRun(bench: Workbench, typed: string): Promise<Plan> {
  const journal = await bench.journal();
  const run = await findRun(journal, typed);
  const plan = await journal.runs.plan(run.id);
  if (plan !== undefined) return plan;
  throw new EdgectlError('RUN_NOT_FOUND', { message: `The journal has no plan for run ${run.id}.` });
}
