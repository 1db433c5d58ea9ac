import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Kysely } from 'kysely';
import { EdgectlError } from '../../errors/error.js';
import { workerDialect } from '../dialect.js';
import { WorkerLink } from '../worker-link.js';
import { observationMigrations } from './schema.js';
import type { ObservationTables } from './schema.js';
import type { ObservationOptions } from './store.js';
import { ObservationStore } from './store.js';
import { statement, unusable } from './statements.js';

/**
 * Opens or creates the store. Throws JOURNAL_CORRUPT (the file is kept), JOURNAL_DISK_FULL, and JOURNAL_FAILED for a store of a newer
 * edgectl or a path that cannot be used.
 */
export async function openObservations(options: ObservationOptions): Promise<ObservationStore> {
  try {
    await mkdir(dirname(options.file), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unusable(`its directory cannot be made: ${(cause as NodeJS.ErrnoException).code ?? ''}`);
  }
  const link = linkTo(options.file);
  try {
    const { file } = options;
    const opened = await link.request({
      op: 'open',
      file,
      reserve: `${file}.reserve`,
      reserveBytes: 0,
      maxPages: 0,
      readonly: false,
    });
    const to = observationMigrations.length;
    if ((opened.version ?? 0) > to) throw unusable(`${file} was written by a newer edgectl`);
    const db = new Kysely<ObservationTables>({ dialect: workerDialect(link) });
    if ((opened.version ?? 0) < to) {
      const steps = observationMigrations.map((migration) => migration(db).map(statement));
      await link.request({ op: 'migrate', to, steps });
    }
    return new ObservationStore(link, db, options);
  } catch (error) {
    await link.kill();
    throw error;
  }
}

/** The thread of the database, whose damage is told with what to do about this file: it is no journal, and nothing has to be rebuilt. */
function linkTo(file: string): Pick<WorkerLink, 'request' | 'kill'> {
  const link = new WorkerLink(file);
  return {
    kill: async () => await link.kill(),
    request: async (body) => {
      try {
        return await link.request(body);
      } catch (error) {
        if (!(error instanceof EdgectlError) || error.code !== 'JOURNAL_CORRUPT') throw error;
        throw new EdgectlError('JOURNAL_CORRUPT', {
          message: `What was seen of nodes, ${file}, is damaged. The file is kept as it is.`,
          hint: `move ${file} away; the next edgectl drift sweep makes a new one, without the history`,
          data: { file },
          cause: error,
        });
      }
    },
  };
}
