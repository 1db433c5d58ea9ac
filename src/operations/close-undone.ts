import type { Workbench } from './workbench.js';

/** Ends a run that was undone: nodes that it had not reached must not be changed by it later. */
export async function closeUndone(bench: Pick<Workbench, 'journal'>, run: string): Promise<void> {
  const journal = await bench.journal();
  await journal.runs.setState(run, 'rolled_back', { exitCode: 7, message: 'undone by edgectl rollback' });
}
