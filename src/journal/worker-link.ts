import type { Worker } from 'node:worker_threads';

import { EdgectlError } from '../errors/error.js';
import type { WorkerError, WorkerReply, WorkerRequest } from './sqlite-worker.js';
import { startSqliteWorker } from './sqlite-worker.js';

type Body<Request> = Request extends { id: number } ? Omit<Request, 'id'> : never;
type Answered = Extract<WorkerReply, { ok: true }>;
interface Waiter {
  resolve: (reply: Answered) => void;
  reject: (error: Error) => void;
}

/** Requests to the database thread and their answers, in order. */
export class WorkerLink {
  readonly #file: string;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiter>();
  #next = 1;
  #ended: Error | undefined;

  constructor(file: string) {
    this.#file = file;
    this.#worker = startSqliteWorker();
    this.#worker.unref();
    this.#worker.on('message', (reply: WorkerReply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', () => this.#fail(new Error('the journal thread has ended')));
  }

  /** Requests that have not been answered. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Throws the EdgectlError that SQLite's refusal stands for. */
  async request(body: Body<WorkerRequest>): Promise<Answered> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = this.#next++;
    // A referenced worker keeps the process alive exactly while an answer is awaited.
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...body });
    });
  }

  /** Ends the thread at once, as a crash would; nothing more is written. */
  async kill(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(reply: WorkerReply): void {
    const waiter = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (reply.ok) waiter?.resolve(reply);
    else waiter?.reject(journalError(reply.error, this.#file));
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    for (const waiter of this.#waiting.values()) waiter.reject(error);
    this.#waiting.clear();
  }
}

/** The operator's error for one of SQLite's. */
export function journalError(error: WorkerError, file: string): Error {
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) return corrupt(file, error.message);
  if (/^(SQLITE_FULL|ENOSPC|EDQUOT)/.test(error.code)) return diskFull(file, error.message);
  return new EdgectlError('JOURNAL_FAILED', {
    message: `The journal ${file} could not be used: ${error.message} (${error.code}).`,
  });
}

/** The journal is damaged; the file is never touched by this. */
export function corrupt(file: string, why: string): EdgectlError {
  return new EdgectlError('JOURNAL_CORRUPT', {
    message: `The journal ${file} is damaged: ${why}. The file is kept as it is.`,
    data: { file },
  });
}

/** The disk under the journal is full; nothing new is started. */
export function diskFull(file: string, why: string): EdgectlError {
  return new EdgectlError('JOURNAL_DISK_FULL', {
    message: `There is no room to write the journal ${file}: ${why}. Nothing new was started.`,
    hint: 'free at least 16 MiB there, then edgectl resume',
    data: { file },
  });
}
