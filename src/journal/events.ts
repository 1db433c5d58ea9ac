import type { JournalBase } from './base.js';

/** An event as the journal keeps it; `body` is the event's JSON. */
export interface EventRecord {
  seq: number;
  at: string;
  type: string;
  body: string;
}

/** What a run said, in order. */
export class EventStore {
  readonly #base: JournalBase;

  constructor(base: JournalBase) {
    this.#base = base;
  }

  async append(run: string, event: EventRecord): Promise<void> {
    await this.#base.append(
      this.#base.db
        .insertInto('events')
        .values({ run, ...event })
        .compile(),
    );
  }

  /** Events after a sequence number, oldest first. */
  async list(run: string, after = 0, limit = 10_000): Promise<EventRecord[]> {
    return this.#base.db
      .selectFrom('events')
      .select(['seq', 'at', 'type', 'body'])
      .where('run', '=', run)
      .where('seq', '>', after)
      .orderBy('seq')
      .limit(limit)
      .execute();
  }

  /** The highest sequence number of a run; 0 when it has said nothing. */
  async last(run: string): Promise<number> {
    const row = await this.#base.db
      .selectFrom('events')
      .select((select) => select.fn.max('seq').as('seq'))
      .where('run', '=', run)
      .executeTakeFirst();
    return Number(row?.seq ?? 0);
  }
}
