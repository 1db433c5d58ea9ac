import { EdgectlError } from '../errors/error.js';
import type { Rebuilt } from '../executor/rebuild.js';
import { journalFile } from '../journal/paths.js';
import type { Journal } from '../journal/journal.js';
import type { Plan } from '../plan/types.js';
import { verifyAuthority } from './authorise.js';
import type { Workbench } from './workbench.js';

/** Rebuilds a run's journal from the nodes; a damaged journal is set aside first. Throws PLAN_SIGNATURE, JOURNAL_DISK_FULL. */
export async function rebuildJournal(plan: Plan, bench: Workbench): Promise<{ rebuilt: Rebuilt; setAside: string[] }> {
  await verifyAuthority(plan, bench.fleet, bench.around);
  const { rebuildFromNodes } = await import('../executor/rebuild.js');
  const { journal, setAside } = await usableJournal(bench);
  try {
    return { rebuilt: await rebuildFromNodes(plan, { journal, kit: bench.client }, bench.around.signal), setAside };
  } finally {
    await journal.close();
  }
}

/** Puts a damaged journal aside and begins an empty one; answers its new names, none when it was sound. Throws JOURNAL_DISK_FULL. */
export async function renewJournal(bench: Workbench): Promise<string[]> {
  const { journal, setAside } = await usableJournal(bench);
  await journal.close();
  return setAside;
}

async function usableJournal(bench: Workbench): Promise<{ journal: Journal; setAside: string[] }> {
  const { openJournal, setAsideJournal } = await import('../journal/journal.js');
  const file = journalFile(bench.fleet.id, bench.around.env, bench.around.homedir);
  const open = async (): Promise<Journal> => await openJournal({ file, now: bench.around.now });
  try {
    return { journal: await open(), setAside: [] };
  } catch (error) {
    if (!(error instanceof EdgectlError) || error.code !== 'JOURNAL_CORRUPT') throw error;
    const setAside = await setAsideJournal(file, bench.around.now());
    return { journal: await open(), setAside };
  }
}
