import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import { openJournal } from '../../journal/journal.js';
import { journalFile } from '../../journal/paths.js';
import { quoteArgv } from '../../transport/quote.js';
import type { FleetCheck } from './check.js';

/** Can the journal be read, and by nobody else? One that is not there yet is made by the first run, not by this. */
export const journalCheck: FleetCheck = {
  id: 'journal',
  needsFleet: true,
  run: async ({ env, home, now }, fleet) => {
    const file = journalFile(fleet.id, env, home);
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) return { state: 'ok', detail: 'none yet; the first run makes it' };
    try {
      const journal = await openJournal({ file, now: () => now, lookOnly: true });
      const runs = await journal.runs.list(1).finally(() => journal.close());
      const dir = dirname(file);
      if (((await stat(dir)).mode & 0o077) !== 0)
        return { state: 'warn', detail: `${dir} can be read by others`, hint: quoteArgv(['chmod', '700', dir]) };
      return { state: 'ok', detail: runs[0] === undefined ? file : `${file}, last run ${runs[0].id}` };
    } catch (error) {
      if (!(error instanceof EdgectlError)) throw error;
      return { state: 'bad', detail: error.message, hint: error.hint ?? quoteArgv(['ls', '-l', file]) };
    }
  },
};
