import type { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

import type BetterSqlite3 from 'better-sqlite3';

/** One statement with its parameters. */
export interface Statement {
  sql: string;
  parameters: readonly unknown[];
}

/** What the worker is asked for. `write` is one transaction of records that succeed or fail each for itself. */
export type WorkerRequest =
  | { id: number; op: 'open'; file: string; reserve: string; reserveBytes: number; maxPages: number; readonly: boolean }
  | { id: number; op: 'check' }
  | { id: number; op: 'migrate'; to: number; steps: Statement[][] }
  | { id: number; op: 'query'; statement: Statement }
  | { id: number; op: 'write'; records: Statement[][] }
  | { id: number; op: 'close' };

/** An error as it crosses the thread: SQLite's code and its words. */
export interface WorkerError {
  code: string;
  message: string;
}
export type RecordResult = { changes: number } | { error: WorkerError };
export type WorkerReply =
  | {
      id: number;
      ok: true;
      rows?: unknown[];
      changes?: number;
      results?: RecordResult[];
      full?: boolean;
      version?: number;
      problems?: string[];
    }
  | { id: number; ok: false; error: WorkerError };

/** Where the thread finds the driver: modules are resolved as from this file. */
interface WorkerData {
  base: string;
}

/**
 * Starts the thread that holds the database, the only place where a driver is loaded. The thread's program is the text of one
 * self-contained function, so that it is the same from dist, from sources under a test runner, and in a bundle.
 */
export function startSqliteWorker(): Worker {
  const workerData: WorkerData = { base: import.meta.url };
  const worker = new Worker(`(${sqliteThread.toString()})(require)`, {
    eval: true,
    workerData,
    name: 'edgectl-journal',
  });
  return worker;
}

/** Everything below runs in the thread and must not refer to anything outside itself. */
function sqliteThread(load: NodeJS.Require): void {
  const threads = load('node:worker_threads') as typeof import('node:worker_threads');
  const modules = load('node:module') as { createRequire: typeof createRequire };
  const fs = load('node:fs') as typeof import('node:fs');
  const Database = modules.createRequire((threads.workerData as WorkerData).base)(
    'better-sqlite3',
  ) as typeof BetterSqlite3;
  const statements = new Map<string, BetterSqlite3.Statement>();
  let db: BetterSqlite3.Database | undefined;
  let reservePath = '';

  const database = (): BetterSqlite3.Database => {
    if (db === undefined) throw new Error('the journal is closed');
    return db;
  };
  const prepare = (sql: string): BetterSqlite3.Statement => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = database().prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  const describe = (error: unknown): WorkerError => {
    const { code, message } = error as { code?: unknown; message?: unknown };
    return { code: typeof code === 'string' ? code : 'ERROR', message: String(message) };
  };
  const isFull = (error: unknown): boolean => {
    const { code, message } = describe(error);
    return (
      code === 'ENOSPC' ||
      code === 'EDQUOT' ||
      code.startsWith('SQLITE_FULL') ||
      (code.startsWith('SQLITE_IOERR') && message.includes('full'))
    );
  };

  const keepReserve = (bytes: number): void => {
    if (bytes === 0 || (fs.existsSync(reservePath) && fs.statSync(reservePath).size >= bytes)) return;
    const handle = fs.openSync(reservePath, 'w', 0o600);
    try {
      // Random bytes would defeat compressing file systems as well; zeros are only refused by those that punch holes.
      const block = Buffer.alloc(1024 * 1024, 0xa5);
      for (let written = 0; written < bytes; written += block.length) fs.writeSync(handle, block);
      fs.fsyncSync(handle);
    } catch (error) {
      fs.closeSync(handle);
      fs.rmSync(reservePath, { force: true });
      throw error;
    }
    fs.closeSync(handle);
  };
  const releaseReserve = (): boolean => {
    if (!fs.existsSync(reservePath)) return false;
    fs.rmSync(reservePath, { force: true });
    return true;
  };

  const open = (request: Extract<WorkerRequest, { op: 'open' }>): Partial<WorkerReply> => {
    reservePath = request.reserve;
    db = new Database(request.file, { readonly: request.readonly, timeout: 10_000 });
    if (!request.readonly) db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('trusted_schema = OFF');
    if (request.maxPages > 0) db.pragma(`max_page_count = ${request.maxPages}`);
    if (!request.readonly) keepReserve(request.reserveBytes);
    return { version: db.pragma('user_version', { simple: true }) as number };
  };

  const check = (): Partial<WorkerReply> => {
    const found = database().pragma('quick_check(5)') as { quick_check: string }[];
    return { problems: found.map((row) => row.quick_check).filter((line) => line !== 'ok') };
  };

  const migrate = (request: Extract<WorkerRequest, { op: 'migrate' }>): void => {
    const run = database().transaction(() => {
      const from = database().pragma('user_version', { simple: true }) as number;
      request.steps.slice(from).forEach((step) =>
        step.forEach(({ sql, parameters }) =>
          database()
            .prepare(sql)
            .run(...parameters),
        ),
      );
      if (from < request.to) database().pragma(`user_version = ${request.to}`);
    });
    run.immediate();
  };

  const writeOnce = (records: Statement[][]): RecordResult[] =>
    database()
      .transaction(() =>
        records.map((record): RecordResult => {
          try {
            // A transaction within a transaction is a savepoint: a bad record does not take its neighbours with it.
            return database().transaction(() => ({
              changes: record.reduce((sum, { sql, parameters }) => sum + prepare(sql).run(...parameters).changes, 0),
            }))();
          } catch (error) {
            if (isFull(error) || !database().inTransaction) throw error;
            return { error: describe(error) };
          }
        }),
      )
      .immediate();

  const write = (records: Statement[][]): Partial<WorkerReply> => {
    try {
      return { results: writeOnce(records) };
    } catch (error) {
      if (!isFull(error)) throw error;
      if (releaseReserve()) database().pragma('max_page_count = 1073741823');
      else throw error;
      return { results: writeOnce(records), full: true };
    }
  };

  const query = ({ sql, parameters }: Statement): Partial<WorkerReply> => {
    const statement = prepare(sql);
    if (statement.reader) return { rows: statement.all(...parameters) };
    return { changes: statement.run(...parameters).changes };
  };

  const close = (): void => {
    statements.clear();
    db?.close();
    db = undefined;
  };

  const handle = (request: WorkerRequest): Partial<WorkerReply> => {
    switch (request.op) {
      case 'open':
        return open(request);
      case 'check':
        return check();
      case 'migrate':
        migrate(request);
        return {};
      case 'query':
        return query(request.statement);
      case 'write':
        return write(request.records);
      case 'close':
        close();
        return {};
    }
  };

  threads.parentPort?.on('message', (request: WorkerRequest) => {
    try {
      threads.parentPort?.postMessage({ id: request.id, ok: true, ...handle(request) });
    } catch (error) {
      threads.parentPort?.postMessage({ id: request.id, ok: false, error: describe(error) });
    }
  });
}
