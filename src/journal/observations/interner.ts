import type { Kysely } from 'kysely';
import type { Statement } from '../sqlite-worker.js';
import type { ObservationTables } from './schema.js';

/** Texts with a number each; the same text has one number, whichever process saw it first. */
export class Interner {
  readonly #db: Kysely<ObservationTables>;
  readonly #table: 'names' | 'texts';
  readonly #write: (statements: Statement[]) => Promise<unknown>;
  readonly #ids = new Map<string, number>();
  readonly #texts: string[] = [];
  #highest = 0;

  constructor(
    db: Kysely<ObservationTables>,
    table: 'names' | 'texts',
    write: (statements: Statement[]) => Promise<unknown>,
  ) {
    this.#db = db;
    this.#table = table;
    this.#write = write;
  }

  /** Sees to it that these texts have numbers. */
  async ensure(texts: Iterable<string>): Promise<void> {
    let missing = [...new Set(texts)].filter((text) => !this.#ids.has(text));
    if (missing.length === 0) return;
    await this.refresh();
    missing = missing.filter((text) => !this.#ids.has(text));
    if (missing.length === 0) return;
    const statements = missing.map((text) => {
      const { sql, parameters } = this.#db
        .insertInto(this.#table)
        .values({ text } as { id: number; text: string })
        .onConflict((conflict) => conflict.column('text').doNothing())
        .compile();
      return { sql, parameters };
    });
    await this.#write(statements);
    await this.refresh();
  }

  /** Reads what other processes, or this one before, have added. */
  async refresh(): Promise<void> {
    const rows = await this.#db
      .selectFrom(this.#table)
      .select(['id', 'text'])
      .where('id', '>', this.#highest)
      .execute();
    for (const { id, text } of rows) {
      this.#ids.set(text, id);
      this.#texts[id] = text;
      this.#highest = Math.max(this.#highest, id);
    }
  }

  /** The number of a text that {@link ensure} has seen, or that is known; 0 for another. */
  id(text: string): number {
    return this.#ids.get(text) ?? 0;
  }

  text(id: number): string {
    return this.#texts[id] ?? '';
  }
}
