import { deflateRawSync } from 'node:zlib';
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { NodeSighting } from '../../facts/sighting.js';
import type { Statement } from '../sqlite-worker.js';
import type { Interner } from './interner.js';
import { changesOf, digestsAfter } from './plan-put.js';
import type { ObservationTables, TailsTable } from './schema.js';
import type { NodeState } from './segment.js';
import { appendChanges, beginSegment, readSegment } from './segment.js';
import { statement } from './statements.js';

/** What is needed to write. */
export interface PutContext {
  db: Kysely<ObservationTables>;
  names: Interner;
  texts: Interner;
  /** Filled anew. */
  state: NodeState;
  segmentBytes: number;
}

/** One sighting of one node that tells more than that all is as it was. */
export interface HistoryChange {
  node: number;
  /** Its open segment; undefined for a node that is new. */
  tail: TailsTable | undefined;
  sighting: NodeSighting;
  /** Seconds since the epoch. */
  at: number;
  digests: Record<string, string>;
}

/** Statements that change a node's history, and how many attributes change; they fail together when another process was first. */
export function historyStatements(
  { db, names, texts, state, segmentBytes }: PutContext,
  { node, tail, sighting, at, digests }: HistoryChange,
): { statements: Statement[]; count: number } {
  state.clear();
  if (tail !== undefined) readSegment(state, tail.body, tail.first_at);
  const changes = changesOf(state, sighting, names, texts);
  const body = JSON.stringify(digestsAfter(digests, sighting));
  const statements = [
    db
      .insertInto('digests')
      .values({ node, body })
      .onConflict((conflict) => conflict.column('node').doUpdateSet({ body }))
      .compile(),
  ];
  if (tail === undefined) {
    for (const { id, code } of changes) state.set(id, code, at);
    const row = { node, rev: 1, seq: 1, first_at: at, last_at: at, body: beginSegment(state, at) };
    statements.unshift(db.insertInto('tails').values(row).compile());
    return { statements: statements.map(statement), count: changes.length };
  }
  let { seq, first_at, body: segment } = tail;
  if (changes.length > 0 && segment.length > segmentBytes) {
    const closed = { node, seq, first_at, body: deflateRawSync(segment) };
    statements.push(db.insertInto('segments').values(closed).compile());
    // The new one begins with what holds after these changes.
    for (const { id, code } of changes) state.set(id, code, at);
    [seq, first_at, segment] = [seq + 1, at, beginSegment(state, at)];
  } else if (changes.length > 0) {
    segment = appendChanges(segment, tail.last_at, at, changes);
  }
  const values = { seq, first_at, last_at: changes.length > 0 ? at : tail.last_at, body: segment };
  statements.unshift(
    db
      .updateTable('tails')
      // Null, which the column refuses, when somebody else has written since.
      .set({ ...values, rev: sql<number>`case when rev = ${tail.rev} then rev + 1 end` })
      .where('node', '=', node)
      .compile(),
  );
  return { statements: statements.map(statement), count: changes.length };
}
