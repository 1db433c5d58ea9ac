import { inflateRawSync } from 'node:zlib';
import type { Observation } from '../../facts/observed.js';
import type { Look } from './looks.js';
import { readLooks } from './looks.js';
import { sectionPart } from './plan-put.js';
import type { Db, Keys } from './queries.js';
import { maskReader } from './queries.js';
import { isoTime, readingOf } from './readings.js';
import { readSegment } from './segment.js';

/** See ObservationSource.history. */
export async function historyOf(db: Db, keys: Keys, node: string, attribute?: string): Promise<Observation[]> {
  const row = await db.selectFrom('nodes').selectAll().where('name', '=', node).executeTakeFirst();
  if (row === undefined) return [];
  const { names, texts, state } = keys;
  const wanted = attribute === undefined ? undefined : names.id(attribute);
  const closed = await db.selectFrom('segments').selectAll().where('node', '=', row.id).orderBy('seq').execute();
  const tail = await db.selectFrom('tails').selectAll().where('node', '=', row.id).executeTakeFirst();
  const segments = [
    ...closed.map(({ first_at, body }) => ({ first_at, body: inflateRawSync(body) as Uint8Array })),
    ...(tail === undefined ? [] : [tail]),
  ];
  const entries: { id: number; code: number; since: number }[] = [];
  const last = new Map<number, number>();
  const add = (id: number, code: number, since: number): void => {
    if ((wanted !== undefined && id !== wanted) || last.get(id) === code) return;
    last.set(id, code);
    entries.push({ id, code, since });
  };
  for (const { first_at, body } of segments) {
    state.clear();
    readSegment(state, body, first_at, -1);
    // What a segment begins with is new where the one before did not end with it.
    for (const id of [...state.ids]) add(id, state.code(id), state.since(id));
    for (const id of last.keys()) if (state.code(id) === 0) add(id, 0, first_at);
    state.clear();
    readSegment(state, body, first_at, Infinity, (at, id, code) => add(id, code, at));
  }
  const looks = await looksOf(db, row.id);
  const sections = maskReader(names);
  const bySection = new Map<string, number[]>();
  const timesOf = (section: string): number[] => {
    let times = bySection.get(section);
    if (times === undefined) {
      times = looks.filter(({ mask }) => sections(mask).includes(section)).map(({ at }) => at);
      bySection.set(section, times);
    }
    return times;
  };
  entries.sort((a, b) => a.since - b.since);
  const ends = endsOf(entries);
  return entries.map(({ id, code, since }, index) => {
    const name = names.text(id);
    const times = timesOf(sectionPart(name));
    const seen = Math.max(since, lastBefore(times, ends[index] ?? Infinity));
    return { node, attribute: name, ...readingOf(code, texts), seenAt: isoTime(seen), since: isoTime(since) };
  });
}

/** When each entry was replaced by the next of the same attribute. */
function endsOf(entries: readonly { id: number; since: number }[]): number[] {
  const next = new Map<number, number>();
  const ends = new Array<number>(entries.length);
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const { id, since } = entries[index] as { id: number; since: number };
    ends[index] = next.get(id) ?? Infinity;
    next.set(id, since);
  }
  return ends;
}

/** The last of sorted times before another; -1 when there is none. */
function lastBefore(times: readonly number[], end: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < end) low = middle + 1;
    else high = middle;
  }
  return times[low - 1] ?? -1;
}

async function looksOf(db: Db, node: number): Promise<Look[]> {
  const found: Look[] = [];
  const rows = await db.selectFrom('looks').selectAll().orderBy('id').execute();
  for (const row of rows) {
    readLooks(row.first_at, row.body, (look) => {
      if (look.node === node) found.push(look);
    });
  }
  return found.sort((a, b) => a.at - b.at);
}
