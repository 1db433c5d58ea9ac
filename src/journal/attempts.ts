import type { Outcome, Step } from '../plan/types.js';
import type { JournalBase } from './base.js';

/** One attempt at a step: written before the node hears of it, completed after it answered. */
export interface AttemptRecord {
  node: string;
  seq: number;
  attempt: number;
  action: string;
  wireId: string;
  /** Hex; empty when the attempt was learned from the node and another journal held its nonce. */
  nonce: string;
  intentAt: string;
  resultAt: string | null;
  outcome: Outcome | null;
}

/** Intents and results of steps, and steps compiled at first contact. */
export class AttemptStore {
  readonly #base: JournalBase;

  constructor(base: JournalBase) {
    this.#base = base;
  }

  /** Resolves when the intent is durable. Throws JOURNAL_DISK_FULL instead of starting something that could not be written down. */
  async intend(run: string, record: Omit<AttemptRecord, 'intentAt' | 'resultAt' | 'outcome'>): Promise<void> {
    const query = this.#base.db
      .insertInto('attempts')
      .values({
        run,
        node: record.node,
        seq: record.seq,
        attempt: record.attempt,
        action: record.action,
        wire_id: record.wireId,
        nonce: record.nonce,
        intent_at: this.#base.now(),
        result_at: null,
        outcome: null,
      })
      .onConflict((conflict) => conflict.doNothing());
    await this.#base.begin(query.compile());
  }

  async conclude(run: string, key: { node: string; seq: number; attempt: number }, outcome: Outcome): Promise<void> {
    const query = this.#base.db
      .updateTable('attempts')
      .set({ result_at: this.#base.now(), outcome: JSON.stringify(outcome) })
      .where('run', '=', run)
      .where('node', '=', key.node)
      .where('seq', '=', key.seq)
      .where('attempt', '=', key.attempt);
    await this.#base.append(query.compile());
  }

  /** All attempts of a run, by node, step and attempt. */
  async list(run: string, node?: string): Promise<AttemptRecord[]> {
    let query = this.#base.db.selectFrom('attempts').selectAll().where('run', '=', run);
    if (node !== undefined) query = query.where('node', '=', node);
    const rows = await query.orderBy('node').orderBy('seq').orderBy('attempt').execute();
    return rows.map((row) => ({
      node: row.node,
      seq: row.seq,
      attempt: row.attempt,
      action: row.action,
      wireId: row.wire_id,
      nonce: row.nonce,
      intentAt: row.intent_at,
      resultAt: row.result_at,
      outcome: row.outcome === null ? null : (JSON.parse(row.outcome) as Outcome),
    }));
  }

  /** Steps that were compiled when the node was first seen; they name the plan that they amend. */
  async amend(run: string, planDigest: string, node: string, steps: readonly Step[]): Promise<void> {
    const query = this.#base.db
      .insertInto('amendments')
      .values({ run, node, plan_digest: planDigest, steps: JSON.stringify(steps), at: this.#base.now() })
      .onConflict((conflict) => conflict.doNothing());
    await this.#base.begin(query.compile());
  }

  /** Amended steps by node. */
  async amendments(run: string, planDigest: string): Promise<Map<string, Step[]>> {
    const rows = await this.#base.db
      .selectFrom('amendments')
      .select(['node', 'steps'])
      .where('run', '=', run)
      .where('plan_digest', '=', planDigest)
      .execute();
    return new Map(rows.map((row) => [row.node, JSON.parse(row.steps) as Step[]]));
  }
}
