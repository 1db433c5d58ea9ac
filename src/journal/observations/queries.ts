import { inflateRawSync } from 'node:zlib';
import type { Kysely } from 'kysely';
import type { Observation } from '../../facts/observed.js';
import { ByteReader } from './bytes.js';
import type { Interner } from './interner.js';
import type { Look } from './looks.js';
import { readLooks } from './looks.js';
import { maskSections, sectionPart } from './plan-put.js';
import { isoTime, readingOf, secondOf } from './readings.js';
import type { NodesTable, ObservationTables } from './schema.js';
import { readSegment } from './segment.js';
import type { NodeState } from './segment.js';

/** What the queries need to understand rows. */
export interface Keys {
  names: Interner;
  texts: Interner;
  state: NodeState;
}
export type Db = Kysely<ObservationTables>;
/** When a section of a node was last seen, seconds. */
type SeenAt = (section: string) => number | undefined;

/** See ObservationSource.latest: by node in the order of their numbers, then by attribute. */
export async function latestOf(
  db: Db,
  keys: Keys,
  { nodes, at }: { nodes?: readonly string[]; at?: string },
): Promise<Observation[]> {
  const until = at === undefined ? Infinity : secondOf(at);
  const rows = await nodeRows(db, nodes);
  const bodies = await segmentsAt(db, until, nodes === undefined ? undefined : [...rows.keys()]);
  const seen = until === Infinity ? undefined : await lookedAt(db, keys, until, rows);
  const found: Observation[] = [];
  const { state } = keys;
  for (const { node, first_at, body } of bodies) {
    const row = rows.get(node);
    if (row === undefined) continue;
    state.clear();
    readSegment(state, body, first_at, until);
    const seenAt = seen === undefined ? newest(row, keys) : (section: string) => seen.get(node)?.get(section);
    collect(row.name, keys, seenAt, found);
  }
  await addVolatiles(db, keys, until, rows, found);
  return found;
}

function collect(node: string, { state, names, texts }: Keys, seenAt: SeenAt, found: Observation[]): void {
  const times = new Map<string, string>();
  for (const id of state.ids) {
    const code = state.code(id);
    if (code === 0) continue;
    const attribute = names.text(id);
    const section = sectionPart(attribute);
    const since = state.since(id);
    let time = times.get(section);
    if (time === undefined) {
      time = isoTime(seenAt(section) ?? since);
      times.set(section, time);
    }
    found.push({ node, attribute, ...readingOf(code, texts), seenAt: time, since: isoTime(since) });
  }
}

function newest(row: NodesTable, { names }: Keys): SeenAt {
  const now = new Set(maskSections(names.text(row.mask)));
  const late = row.late === '' ? {} : (JSON.parse(row.late) as Record<string, number>);
  return (section) => (now.has(section) ? row.seen_at : late[section]);
}

/** The segment of each node that a time falls into. */
async function segmentsAt(
  db: Db,
  until: number,
  nodes: number[] | undefined,
): Promise<{ node: number; first_at: number; body: Uint8Array }[]> {
  const only = nodes === undefined || nodes.length > 500 ? undefined : nodes;
  let open = db.selectFrom('tails').select(['node', 'first_at', 'body']).orderBy('node');
  if (only !== undefined) open = open.where('node', 'in', only);
  if (until === Infinity) return await open.execute();
  const tails = await open.where('first_at', '<=', until).execute();
  const covered = new Set(tails.map(({ node }) => node));
  // Of the closed ones only what is needed: bodies are large.
  let closed = db
    .selectFrom('segments')
    .select(['node'])
    .select(({ fn }) => fn.max('seq').as('seq'))
    .where('first_at', '<=', until)
    .groupBy('node');
  if (only !== undefined) closed = closed.where('node', 'in', only);
  const older = (await closed.execute()).filter(({ node }) => !covered.has(node));
  const bodies: { node: number; first_at: number; body: Uint8Array }[] = [];
  const bySeq = new Map<number, number[]>();
  for (const { node, seq } of older) bySeq.set(seq, [...(bySeq.get(seq) ?? []), node]);
  for (const [seq, its] of bySeq) {
    for (let from = 0; from < its.length; from += 500) {
      const rows = await db
        .selectFrom('segments')
        .select(['node', 'first_at', 'body'])
        .where('seq', '=', seq)
        .where('node', 'in', its.slice(from, from + 500))
        .execute();
      bodies.push(...rows.map((row) => ({ ...row, body: inflateRawSync(row.body) })));
    }
  }
  return [...tails, ...bodies].sort((a, b) => a.node - b.node);
}

/** When each section of each node was last seen up to a time. Reads backwards until nothing more can be found. */
async function lookedAt(
  db: Db,
  { names }: Keys,
  until: number,
  rows: ReadonlyMap<number, NodesTable>,
): Promise<Map<number, Map<string, number>>> {
  const seen = new Map<number, Map<string, number>>();
  const sections = maskReader(names);
  const wanted = new Map([...rows].map(([id, row]) => [id, everSeen(row, names)]));
  let open = wanted.size;
  const take = ({ node, at, mask }: Look): void => {
    const wants = wanted.get(node);
    if (wants === undefined || at > until) return;
    const its = seen.get(node) ?? new Map<string, number>();
    seen.set(node, its);
    for (const section of sections(mask)) {
      if (at > (its.get(section) ?? -1)) its.set(section, at);
      if (wants.delete(section) && wants.size === 0) open -= 1;
    }
  };
  // Rows overlap when several processes look at once: a few more are read than would be enough.
  let cursor = Infinity;
  while (open > 0) {
    let query = db.selectFrom('looks').selectAll().where('first_at', '<=', until).orderBy('id', 'desc').limit(64);
    if (cursor !== Infinity) query = query.where('id', '<', cursor);
    const page = await query.execute();
    for (const row of page) readLooks(row.first_at, row.body, take);
    if (page.length < 64) break;
    cursor = page.at(-1)?.id ?? 0;
  }
  return seen;
}

function everSeen(row: NodesTable, names: Interner): Set<string> {
  const late = row.late === '' ? {} : (JSON.parse(row.late) as Record<string, number>);
  return new Set([...maskSections(names.text(row.mask)), ...Object.keys(late)]);
}

/** The sections behind the id of a mask. */
export function maskReader(names: Interner): (mask: number) => string[] {
  const known = new Map<number, string[]>();
  return (mask) => {
    let sections = known.get(mask);
    if (sections === undefined) {
      sections = maskSections(names.text(mask));
      known.set(mask, sections);
    }
    return sections;
  };
}

async function nodeRows(db: Db, nodes: readonly string[] | undefined): Promise<Map<number, NodesTable>> {
  const rows = await db.selectFrom('nodes').selectAll().orderBy('id').execute();
  const wanted = nodes === undefined ? undefined : new Set(nodes);
  return new Map(rows.filter(({ name }) => wanted?.has(name) ?? true).map((row) => [row.id, row]));
}

/** What changes by itself is kept once, so at an earlier time it is not known. */
async function addVolatiles(
  db: Db,
  { names, texts }: Keys,
  until: number,
  rows: ReadonlyMap<number, NodesTable>,
  found: Observation[],
): Promise<void> {
  const all = await db.selectFrom('volatiles').selectAll().orderBy('node').execute();
  for (const { node, at, body } of all) {
    const row = rows.get(node);
    if (row === undefined || at > until) continue;
    const time = isoTime(at);
    const reader = new ByteReader(body);
    while (reader.more) {
      const attribute = names.text(reader.take());
      found.push({ node: row.name, attribute, ...readingOf(reader.take(), texts), seenAt: time, since: time });
    }
  }
}
