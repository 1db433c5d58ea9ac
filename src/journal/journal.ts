import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { CompiledQuery } from 'kysely';
import { Kysely } from 'kysely';

import { EdgectlError } from '../errors/error.js';
import { AttemptStore } from './attempts.js';
import type { JournalBase } from './base.js';
import { workerDialect } from './dialect.js';
import { EventStore } from './events.js';
import { FactStore } from './facts.js';
import { GroupWriter } from './group-writer.js';
import { LeaseStore } from './leases.js';
import { migrations } from './migrations.js';
import type { LeaseOwner, LivenessProbe } from './owner.js';
import { currentOwner, isAlive } from './owner.js';
import { RunStore } from './runs.js';
import type { JournalTables } from './schema.js';
import { corrupt, diskFull, WorkerLink } from './worker-link.js';

/** Bytes kept aside, so that results in flight can be written when the disk has run full. */
export const RESERVE_BYTES = 16 * 1024 * 1024;

/** How to open a journal. */
export interface JournalOptions {
  /** Path of `journal.db`; its directory is made. */
  file: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** For commands that only look: no reserve, nothing is written; a journal that is not there yet is made empty. */
  lookOnly?: boolean;
  owner?: LeaseOwner;
  alive?: LivenessProbe;
  reserveBytes?: number;
  /** Largest size in pages of 4 KiB; 0 for no bound. For tests of a full disk. */
  maxPages?: number;
}

/** The operator's journal: a cache of what the nodes know, and the place where intent is written down first. */
export class Journal {
  readonly file: string;
  readonly runs: RunStore;
  readonly attempts: AttemptStore;
  readonly events: EventStore;
  readonly facts: FactStore;
  readonly leases: LeaseStore;
  readonly #link: WorkerLink;
  readonly #writer: GroupWriter;

  /** Use {@link openJournal}. */
  constructor(link: WorkerLink, db: Kysely<JournalTables>, options: JournalOptions) {
    this.file = options.file;
    this.#link = link;
    this.#writer = new GroupWriter(link, options.file);
    const base: JournalBase = {
      db,
      append: async (...queries) => this.#writer.append(queries.map(toStatement)),
      begin: async (...queries) => {
        if (this.full) throw diskFull(this.file, 'the disk ran full');
        return this.#writer.append(queries.map(toStatement));
      },
      now: () => new Date(options.now()).toISOString(),
    };
    this.runs = new RunStore(base);
    this.attempts = new AttemptStore(base);
    this.events = new EventStore(base);
    this.facts = new FactStore(base);
    this.leases = new LeaseStore(base, options.owner ?? currentOwner(), options.alive ?? isAlive);
  }

  /** The disk has run full: nothing new may start. */
  get full(): boolean {
    return this.#writer.full;
  }

  /** Writes and reads that have not come back. */
  get pending(): number {
    return this.#writer.pending + this.#link.pending;
  }

  /** Waits for everything appended and closes the file. */
  async close(): Promise<void> {
    await this.#writer.drain();
    await this.#link.request({ op: 'close' });
    await this.#link.kill();
  }

  /** Ends at once, as a crash would. */
  async kill(): Promise<void> {
    await this.#link.kill();
  }
}

/**
 * Opens or creates the journal. Throws JOURNAL_CORRUPT (the file is kept), JOURNAL_DISK_FULL when the reserve cannot be made
 * (so a run stops before it acts), JOURNAL_FAILED for a journal of a newer edgectl or a path that cannot be used.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  await makeDirectory(options.file);
  const link = new WorkerLink(options.file);
  try {
    const opened = await link.request({
      op: 'open',
      file: options.file,
      reserve: `${options.file}.reserve`,
      reserveBytes: options.lookOnly === true ? 0 : (options.reserveBytes ?? RESERVE_BYTES),
      maxPages: options.maxPages ?? 0,
      readonly: false,
    });
    if ((opened.version ?? 0) > migrations.length) throw newer(options.file);
    const { problems = [] } = await link.request({ op: 'check' });
    if (problems.length > 0) throw corrupt(options.file, problems[0] ?? '');
    const db = new Kysely<JournalTables>({ dialect: workerDialect(link) });
    if ((opened.version ?? 0) < migrations.length) {
      const steps = migrations.map((migration) => migration(db).map(toStatement));
      await link.request({ op: 'migrate', to: migrations.length, steps });
    }
    return new Journal(link, db, options);
  } catch (error) {
    await link.kill();
    throw error;
  }
}

/** Puts a damaged journal beside its place, so that a new one can be made; returns the new names. Nothing is deleted. */
export async function setAsideJournal(file: string, now: number): Promise<string[]> {
  const stamp = new Date(now).toISOString().replaceAll(/[:.]/g, '');
  const moved: string[] = [];
  for (const suffix of ['', '-wal', '-shm']) {
    const exists = await stat(`${file}${suffix}`).then(
      () => true,
      () => false,
    );
    if (!exists) continue;
    await rename(`${file}${suffix}`, `${file}.damaged-${stamp}${suffix}`);
    moved.push(`${file}.damaged-${stamp}${suffix}`);
  }
  return moved;
}

async function makeDirectory(file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOSPC' || code === 'EDQUOT') throw diskFull(file, code);
    throw new EdgectlError('JOURNAL_FAILED', {
      message: `The journal’s directory ${dirname(file)} cannot be made: ${code}.`,
      cause,
    });
  }
}

function newer(file: string): EdgectlError {
  return new EdgectlError('JOURNAL_FAILED', {
    message: `The journal ${file} was written by a newer edgectl.`,
    hint: 'update edgectl on this machine',
  });
}

function toStatement({ sql, parameters }: CompiledQuery): { sql: string; parameters: readonly unknown[] } {
  return { sql, parameters };
}
