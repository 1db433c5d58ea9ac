import type { DatabaseConnection, Dialect, Driver, QueryResult, CompiledQuery } from 'kysely';
import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';

import type { WorkerLink } from './worker-link.js';

/** Kysely over the database thread. Reads go through it; writes are compiled by it and travel in groups. */
export function workerDialect(link: Pick<WorkerLink, 'request'>): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => workerDriver(link),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

function workerDriver(link: Pick<WorkerLink, 'request'>): Driver {
  const connection: DatabaseConnection = {
    async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
      const reply = await link.request({ op: 'query', statement: { sql, parameters } });
      return { rows: (reply.rows ?? []) as Row[], numAffectedRows: BigInt(reply.changes ?? 0) };
    },
    // The journal reads in pages; a cursor over a thread boundary would hold the database open between them.
    streamQuery: () => {
      throw new Error('the journal does not stream');
    },
  };
  const nothing = async (): Promise<void> => {};
  return {
    init: nothing,
    acquireConnection: async () => connection,
    beginTransaction: refuseTransaction,
    commitTransaction: refuseTransaction,
    rollbackTransaction: refuseTransaction,
    releaseConnection: nothing,
    destroy: nothing,
  };
}

/** Transactions are made by the thread, around a group of records; one held open from here would stop everybody else. */
async function refuseTransaction(): Promise<void> {
  throw new Error('write through the journal, not through a transaction of kysely');
}
