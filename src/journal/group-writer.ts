import { EdgectlError } from '../errors/error.js';
import type { Statement } from './sqlite-worker.js';
import { journalError, type WorkerLink } from './worker-link.js';

/** At most this many records share one commit. */
export const GROUP_RECORDS = 256;
/** Milliseconds that a record may wait for others. */
export const GROUP_MS = 5;

interface Entry {
  record: Statement[];
  resolve: (changes: number) => void;
  reject: (error: Error) => void;
}

/** Commits records in groups: a record is resolved when the transaction that holds it is durable. */
export class GroupWriter {
  readonly #link: WorkerLink;
  readonly #file: string;
  #queue: Entry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #full = false;
  #committing = 0;

  constructor(link: WorkerLink, file: string) {
    this.#link = link;
    this.#file = file;
  }

  /** The disk has run full once: what is in flight is still written, nothing new may start. */
  get full(): boolean {
    return this.#full;
  }

  /** Records that are not durable yet. */
  get pending(): number {
    return this.#queue.length + this.#committing;
  }

  /** Resolves with the number of changed rows when the record is durable. */
  async append(record: Statement[]): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ record, resolve, reject });
      if (this.#queue.length >= GROUP_RECORDS) this.#flush();
      else this.#timer ??= setTimeout(() => this.#flush(), GROUP_MS - 3);
    });
  }

  /** Resolves when everything appended so far is durable or has failed. */
  async drain(): Promise<void> {
    while (this.pending > 0) {
      this.#flush();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const group = this.#queue.splice(0, GROUP_RECORDS);
    if (group.length === 0) return;
    if (this.#queue.length > 0) this.#timer = setTimeout(() => this.#flush(), 0);
    this.#committing += group.length;
    void this.#commit(group).finally(() => {
      this.#committing -= group.length;
    });
  }

  async #commit(group: Entry[]): Promise<void> {
    try {
      const reply = await this.#link.request({ op: 'write', records: group.map((entry) => entry.record) });
      if (reply.full === true) this.#full = true;
      group.forEach((entry, index) => {
        const result = reply.results?.[index];
        if (result !== undefined && 'changes' in result) entry.resolve(result.changes);
        else entry.reject(journalError(result?.error ?? { code: 'ERROR', message: 'no answer' }, this.#file));
      });
    } catch (error) {
      if (error instanceof EdgectlError && error.code === 'JOURNAL_DISK_FULL') this.#full = true;
      for (const entry of group) entry.reject(error as Error);
    }
  }
}
