import type { CompiledQuery } from 'kysely';
import type { JournalBase } from './base.js';

/** What asking a node for its facts came to. `facts` is undefined when it gave none. */
export interface Sighting {
  node: string;
  reached: boolean;
  facts?: unknown;
}

/** The newest facts of each node, with their age, and when it was last asked. */
export class FactStore {
  readonly #base: JournalBase;

  constructor(base: JournalBase) {
    this.#base = base;
  }

  /** Remembers what nodes answered, in one transaction. Facts of before stay when a node gives none now. */
  async put(sightings: readonly Sighting[]): Promise<void> {
    if (sightings.length === 0) return;
    const { db } = this.#base;
    const at = this.#base.now();
    const queries = sightings.flatMap(({ node, reached, facts }): CompiledQuery[] => {
      const contact = { at, reached: reached ? 1 : 0 };
      const seen = db
        .insertInto('contacts')
        .values({ node, ...contact })
        .onConflict((conflict) => conflict.column('node').doUpdateSet(contact))
        .compile();
      if (facts === undefined) return [seen];
      const values = { at, body: JSON.stringify(facts) };
      const known = db
        .insertInto('facts')
        .values({ node, ...values })
        .onConflict((conflict) => conflict.column('node').doUpdateSet(values))
        .compile();
      return [seen, known];
    });
    await this.#base.append(...queries);
  }

  /** `body` is whatever was put, read back from JSON. */
  async list(): Promise<{ node: string; at: string; body: unknown }[]> {
    const rows = await this.#base.db.selectFrom('facts').selectAll().orderBy('node').execute();
    return rows.map((row) => ({ node: row.node, at: row.at, body: JSON.parse(row.body) as unknown }));
  }

  async contacts(): Promise<{ node: string; at: string; reached: boolean }[]> {
    const rows = await this.#base.db.selectFrom('contacts').selectAll().execute();
    return rows.map((row) => ({ ...row, reached: row.reached === 1 }));
  }
}
