import type { CompiledQuery, Kysely } from 'kysely';

import type { JournalTables } from './schema.js';

/** What the stores of the journal share: a query builder, durable writes, and the time. */
export interface JournalBase {
  db: Kysely<JournalTables>;
  /** Resolves with the changed rows when all of `queries` are durable, in one transaction. */
  append(...queries: CompiledQuery[]): Promise<number>;
  /** Like append, and throws JOURNAL_DISK_FULL when the disk was full before: for what would start something new. */
  begin(...queries: CompiledQuery[]): Promise<number>;
  /** RFC 3339, UTC. */
  now(): string;
}
