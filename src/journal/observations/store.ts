import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Observation, ObservationSource } from '../../facts/observed.js';
import type { NodeSighting } from '../../facts/sighting.js';
import type { Statement } from '../sqlite-worker.js';
import type { WorkerLink } from '../worker-link.js';
import { ByteWriter } from './bytes.js';
import type { PutContext } from './history-statements.js';
import { historyStatements } from './history-statements.js';
import { Interner } from './interner.js';
import type { Look } from './looks.js';
import { packLooks } from './looks.js';
import { lateAfter, maskName, maskSections, readingsOf, stillTrue, tellsMore } from './plan-put.js';
import { historyOf } from './history.js';
import { latestOf } from './queries.js';
import { codeOf, internedText, isoTime, secondOf } from './readings.js';
import type { NodesTable, ObservationTables, TailsTable } from './schema.js';
import { NodeState } from './segment.js';
import { chunks, statement, unusable } from './statements.js';

/** A segment longer than this many bytes is closed: deflated, and never written again. */
export const SEGMENT_BYTES = 12_288;
/** How often a write is tried again that another process came before. */
const TRIES = 20;

/** How to open the store. */
export interface ObservationOptions {
  /** Path of `observations.db`; its directory is made. */
  file: string;
  segmentBytes?: number;
}

/**
 * What was seen of nodes, with its history: beside the journal and not in it, because it is large, and losing it loses no intent.
 * Several processes may write at once.
 */
export class ObservationStore implements ObservationSource {
  readonly #link: Pick<WorkerLink, 'request' | 'kill'>;
  readonly #db: Kysely<ObservationTables>;
  readonly #names: Interner;
  readonly #texts: Interner;
  readonly #segmentBytes: number;
  readonly #state = new NodeState();

  /** Use {@link openObservations}. */
  constructor(link: Pick<WorkerLink, 'request' | 'kill'>, db: Kysely<ObservationTables>, options: ObservationOptions) {
    this.#link = link;
    this.#db = db;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    const write = async (statements: Statement[]): Promise<void> => {
      await this.#write(statements.length === 0 ? [] : [statements]);
    };
    this.#names = new Interner(db, 'names', write);
    this.#texts = new Interner(db, 'texts', write);
  }

  /** The digests of its sections that each of these nodes was last seen with. */
  async digests(nodes: readonly string[]): Promise<Map<string, Record<string, string>>> {
    const found = new Map<string, Record<string, string>>();
    for (const some of chunks(nodes)) {
      const rows = await this.#db
        .selectFrom('digests')
        .innerJoin('nodes', 'nodes.id', 'digests.node')
        .select(['nodes.name', 'digests.body'])
        .where('nodes.name', 'in', some)
        .execute();
      for (const { name, body } of rows) found.set(name, JSON.parse(body) as Record<string, string>);
    }
    return found;
  }

  /**
   * Keeps what was seen, in one transaction; how many attributes changed, by node. A node may be there once. A time before the
   * last one of the same node, as after a clock was set back, counts as that.
   */
  async put(sightings: readonly NodeSighting[]): Promise<Map<string, number>> {
    const changed = new Map<string, number>();
    if (sightings.length === 0) return changed;
    await this.#ensureNodes(sightings);
    const readings = sightings.flatMap((sighting) => readingsOf(sighting));
    await this.#names.ensure([...readings.map(([name]) => name), ...sightings.map(maskName)]);
    await this.#texts.ensure(readings.flatMap(([, reading]) => internedText(reading) ?? []));
    let waiting = [...sightings];
    for (let tries = 0; waiting.length > 0; tries += 1) {
      if (tries === TRIES) throw unusable(`${waiting.length} nodes are written by others all the time`);
      waiting = await this.#putOnce(waiting, changed);
    }
    return changed;
  }

  async latest(filter: { nodes?: readonly string[]; at?: string } = {}): Promise<Observation[]> {
    await this.#refresh();
    return await latestOf(this.#db, { names: this.#names, texts: this.#texts, state: this.#state }, filter);
  }

  async history(node: string, attribute?: string): Promise<Observation[]> {
    await this.#refresh();
    return await historyOf(this.#db, { names: this.#names, texts: this.#texts, state: this.#state }, node, attribute);
  }

  async contacts(): Promise<{ node: string; at: string; reached: boolean }[]> {
    const rows = await this.#db.selectFrom('nodes').select(['name', 'asked_at', 'reached']).orderBy('name').execute();
    return rows.map(({ name, asked_at, reached }) => ({ node: name, at: isoTime(asked_at), reached: reached === 1 }));
  }

  /** Forgets history from before a time, RFC 3339; what holds now stays, and since when. */
  async prune(time: string): Promise<void> {
    const before = secondOf(time);
    const { sql: text, parameters } = sql`delete from segments where (node, seq) in (
      select s.node, s.seq from segments s where coalesce(
        (select n.first_at from segments n where n.node = s.node and n.seq = s.seq + 1),
        (select t.first_at from tails t where t.node = s.node)) <= ${before})`.compile(this.#db);
    const looks = this.#db.deleteFrom('looks').where('last_at', '<', before).compile();
    await this.#write([[{ sql: text, parameters }], [statement(looks)]]);
  }

  async close(): Promise<void> {
    await this.#link.request({ op: 'close' });
    await this.#link.kill();
  }

  async #refresh(): Promise<void> {
    await this.#names.refresh();
    await this.#texts.refresh();
  }

  async #ensureNodes(sightings: readonly NodeSighting[]): Promise<void> {
    await this.#write([
      sightings.map(({ node }) =>
        statement(
          this.#db
            .insertInto('nodes')
            .values({ name: node, asked_at: 0, reached: 0, seen_at: 0, mask: 0, late: '' } as NodesTable)
            .onConflict((conflict) => conflict.column('name').doNothing())
            .compile(),
        ),
      ),
    ]);
  }

  /** One transaction; those that another process came before are to be tried again. */
  async #putOnce(sightings: readonly NodeSighting[], changed: Map<string, number>): Promise<NodeSighting[]> {
    const rows = await this.#rows(sightings.map(({ node }) => node));
    const tellers = sightings.filter(tellsMore).flatMap(({ node }) => rows.get(node)?.id ?? []);
    const tails = await this.#tails(tellers);
    const digests = await this.digests(sightings.map(({ node }) => node));
    const looks: Look[] = [];
    const records = sightings.map((told): Statement[] => {
      const known = digests.get(told.node) ?? {};
      const sighting = stillTrue(told, known);
      const row = rows.get(sighting.node);
      if (row === undefined) throw unusable(`node ${sighting.node} has no number`);
      const tail = tails.get(row.id);
      const at = Math.max(secondOf(sighting.at), row.asked_at, tail?.last_at ?? 0);
      const seen = sighting.sections.length > 0;
      if (seen) looks.push({ node: row.id, at, mask: this.#names.id(maskName(sighting)) });
      const { statements, count } = tellsMore(sighting)
        ? historyStatements(this.#context(), { node: row.id, tail, sighting, at, digests: known })
        : { statements: [], count: 0 };
      changed.set(sighting.node, count);
      return [...statements, this.#contact(row, sighting, at, seen), ...this.#volatile(row.id, sighting, at)];
    });
    if (looks.length > 0) {
      const { firstAt, lastAt, body } = packLooks(looks);
      const row = { first_at: firstAt, last_at: lastAt, body } as ObservationTables['looks'];
      records.push([statement(this.#db.insertInto('looks').values(row).compile())]);
    }
    const results = await this.#write(records, true);
    return sightings.filter((_, index) => results[index] === false);
  }

  #context(): PutContext {
    const [db, names, texts] = [this.#db, this.#names, this.#texts];
    return { db, names, texts, state: this.#state, segmentBytes: this.#segmentBytes };
  }

  #contact(row: NodesTable, sighting: NodeSighting, at: number, seen: boolean): Statement {
    const contact = { asked_at: at, reached: sighting.reached ? 1 : 0 };
    const update = this.#db.updateTable('nodes').where('id', '=', row.id);
    if (!seen) return statement(update.set(contact).compile());
    const name = maskName(sighting);
    const late = lateAfter(row, maskSections(this.#names.text(row.mask)), maskSections(name));
    return statement(update.set({ ...contact, seen_at: at, mask: this.#names.id(name), late }).compile());
  }

  #volatile(node: number, { volatile }: NodeSighting, at: number): Statement[] {
    if (volatile.size === 0) return [];
    const out = new ByteWriter();
    for (const [name, reading] of volatile) out.put(this.#names.id(name)).put(codeOf(reading, this.#texts));
    const values = { at, body: out.done() };
    return [
      statement(
        this.#db
          .insertInto('volatiles')
          .values({ node, ...values })
          .onConflict((conflict) => conflict.column('node').doUpdateSet(values))
          .compile(),
      ),
    ];
  }

  async #rows(nodes: readonly string[]): Promise<Map<string, NodesTable>> {
    const found = new Map<string, NodesTable>();
    for (const some of chunks(nodes)) {
      const rows = await this.#db.selectFrom('nodes').selectAll().where('name', 'in', some).execute();
      for (const row of rows) found.set(row.name, row);
    }
    return found;
  }

  async #tails(nodes: readonly number[]): Promise<Map<number, TailsTable>> {
    const found = new Map<number, TailsTable>();
    for (const some of chunks(nodes)) {
      const rows = await this.#db.selectFrom('tails').selectAll().where('node', 'in', some).execute();
      for (const row of rows) found.set(row.node, row);
    }
    return found;
  }

  /** One transaction of records. With `mayLose`, a record that another process came before is false instead of an error. */
  async #write(records: Statement[][], mayLose = false): Promise<boolean[]> {
    if (records.length === 0) return [];
    const { results = [] } = await this.#link.request({ op: 'write', records });
    return results.map((result) => {
      if ('changes' in result) return true;
      if (mayLose && result.error.code.startsWith('SQLITE_CONSTRAINT')) return false;
      throw unusable(`${result.error.message} (${result.error.code})`);
    });
  }
}
