import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../src/facts/observed.js';
import type { NodeSighting, Reading, SectionSighting } from '../../../src/facts/sighting.js';
import { openObservations } from '../../../src/journal/observations/open.js';
import type { ObservationStore } from '../../../src/journal/observations/store.js';

const start = Date.parse('2026-11-01T00:00:00.000Z');
const iso = (at: number): string => new Date(at).toISOString();

/** A log that keeps a copy of everything after every look: nothing to get wrong. */
class NaiveLog {
  readonly copies: { at: number; node: string; held: Map<string, Held>; seen: Map<string, number> }[] = [];
  readonly #held = new Map<string, Map<string, Held>>();
  readonly #seen = new Map<string, Map<string, number>>();
  readonly changes: { node: string; attribute: string; reading: Reading; since: number }[] = [];

  put({ node, at: time, sections }: NodeSighting): void {
    const at = Date.parse(time);
    const held = this.#held.get(node) ?? new Map<string, Held>();
    const seen = this.#seen.get(node) ?? new Map<string, number>();
    this.#held.set(node, held);
    this.#seen.set(node, seen);
    const become = (attribute: string, reading: Reading | undefined): void => {
      const before = held.get(attribute);
      if (JSON.stringify(before?.reading) === JSON.stringify(reading)) return;
      if (reading === undefined) held.delete(attribute);
      else held.set(attribute, { reading, since: at });
      this.changes.push({ node, attribute, reading: reading ?? { unknown: 'no longer answered' }, since: at });
    };
    for (const { section, state, readings, reason } of sections) {
      seen.set(section, at);
      if (state === 'same') continue;
      for (const [attribute, reading] of readings) become(attribute, reading);
      for (const attribute of [...held.keys()]) {
        if (!attribute.startsWith(`${section}.`) || readings.has(attribute)) continue;
        become(attribute, state === 'dark' ? { unknown: reason ?? '' } : undefined);
      }
    }
    this.copies.push({ at, node, held: new Map(held), seen: new Map(seen) });
  }

  at(until: number, nodes?: readonly string[]): Observation[] {
    const last = new Map(this.copies.filter(({ at }) => at <= until).map((copy) => [copy.node, copy]));
    return [...last.values()].flatMap(({ node, held, seen }) =>
      nodes !== undefined && !nodes.includes(node)
        ? []
        : [...held].map(([attribute, { reading, since }]) => ({
            node,
            attribute,
            ...reading,
            since: iso(since),
            seenAt: iso(seen.get(attribute.split('.')[0] ?? '') ?? 0),
          })),
    );
  }

  history(node: string, attribute?: string): Omit<Observation, 'seenAt'>[] {
    return this.changes
      .filter((one) => one.node === node && (attribute === undefined || one.attribute === attribute))
      .map(({ reading, since, attribute: name }) => ({ node, attribute: name, ...reading, since: iso(since) }));
  }
}
interface Held {
  reading: Reading;
  since: number;
}

const names = ['a', 'b', 'c', 'd'];
const reading = fc.oneof(
  fc.integer({ min: 0, max: 3 }).map((n): Reading => ({ value: String(n) })),
  fc.constantFrom('', '007', '-1', '99999999999999999', 'ä', 'sha256:x').map((value): Reading => ({ value })),
  fc.constantFrom('privilege', 'timeout').map((unknown): Reading => ({ unknown })),
);
const section = fc.record({
  section: fc.constantFrom('os', 'file', 'unit'),
  how: fc.constantFrom('seen', 'seen', 'same', 'dark'),
  readings: fc.dictionary(fc.constantFrom(...names), reading, { maxKeys: 4, noNullPrototype: true }),
});
const look = fc.record({
  wait: fc.constantFrom(0, 1000, 3_600_000, 86_400_000),
  node: fc.constantFrom('n1', 'n2', 'n3'),
  handle: fc.constantFrom(0, 1),
  sections: fc.uniqueArray(section, { selector: (one) => one.section, maxLength: 3 }),
});

describe('the store of observations', () => {
  it('answers what held at any time as a log does that copies everything', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(look, { maxLength: 40 }),
        fc.array(fc.nat({ max: 40 * 86_400_000 }), { maxLength: 4 }),
        async (looks, times) => {
          await withStores(async (stores) => {
            const log = new NaiveLog();
            const digests = new Map<string, string>();
            let at = start;
            for (const [index, one] of looks.entries()) {
              at += one.wait;
              const sections = one.sections.flatMap(({ section: name, how, readings }): SectionSighting[] => {
                const key = `${one.node} ${name}`;
                const known = digests.get(key);
                if (how === 'same') {
                  if (known === undefined) return [];
                  return [{ section: name, state: 'same', digest: known, readings: new Map() }];
                }
                const its = new Map(Object.entries(readings).map(([word, value]) => [`${name}.${word}`, value]));
                if (how === 'dark') {
                  digests.delete(key);
                  return [{ section: name, state: 'dark', reason: 'timeout', readings: its }];
                }
                digests.set(key, `d${index}`);
                return [{ section: name, state: 'seen', digest: `d${index}`, readings: its }];
              });
              if (sections.length === 0) continue;
              const sighting = { node: one.node, at: iso(at), reached: true, sections, volatile: new Map() };
              await stores[one.handle]?.put([sighting]);
              log.put(sighting);
            }
            const [store] = stores as [ObservationStore];
            expect(sorted(await store.latest())).toEqual(sorted(log.at(Infinity)));
            for (const time of [...times.map((after) => start + after), at]) {
              expect(sorted(await store.latest({ at: iso(time) }))).toEqual(sorted(log.at(time)));
            }
            expect(sorted(await store.latest({ nodes: ['n2'] }))).toEqual(sorted(log.at(Infinity, ['n2'])));
            const history = (await store.history('n1')).map(({ seenAt: _seenAt, ...rest }) => rest);
            expect(sorted(history)).toEqual(sorted(log.history('n1')));
            expect(history.map(({ since }) => since)).toEqual(history.map(({ since }) => since).sort());
            const one = await store.history('n1', 'os.a');
            expect(one.map(({ value, unknown, since }) => [value, unknown, since])).toEqual(
              log.history('n1', 'os.a').map(({ value, unknown, since }) => [value, unknown, since]),
            );
            const last = new Map(log.copies.map((copy) => [copy.node, copy.seen]));
            for (const [node, seen] of last) {
              const known = await store.digests([node]);
              expect(Object.keys(known.get(node) ?? {}).every((name) => seen.has(name))).toBe(true);
            }
          });
        },
      ),
      { numRuns: 60, endOnFailure: true },
    );
  }, 120_000);

  it('keeps nothing twice when two processes write the same node at the same time', async () => {
    await withStores(async (stores) => {
      const write = async (store: ObservationStore, from: number): Promise<void> => {
        for (let n = 0; n < 20; n += 1) await store.put([seen('n1', start, { [`os.${from + n}`]: String(n) }, 'file')]);
      };
      const [a, b] = stores as [ObservationStore, ObservationStore];
      await Promise.all([write(a, 0), write(b, 100)]);
      const history = await a.history('n1');
      // Each look replaces what the section had; every one of them is there once, and so is its end.
      expect(history.filter(({ value }) => value !== undefined)).toHaveLength(40);
      expect(await b.latest()).toHaveLength(1);
    });
  });

  it('keeps what changes by itself once, and not at a time before it', async () => {
    await withStores(async ([store]) => {
      for (const n of [1, 2, 3]) {
        await store?.put([
          {
            ...seen('n1', start + n * 1000, { 'boot.id': 'x' }),
            volatile: new Map([['boot.up', { value: String(n) }]]),
          },
        ]);
      }
      const up = (list: Observation[] = []): (string | undefined)[] =>
        list.filter(({ attribute }) => attribute === 'boot.up').map(({ value }) => value);
      expect(up(await store?.latest())).toEqual(['3']);
      expect(up(await store?.latest({ at: iso(start + 2000) }))).toEqual([]);
      expect(up(await store?.history('n1'))).toEqual([]);
    });
  });

  it('says when a node was asked last and whether it was there, and keeps what was known of one that is gone', async () => {
    await withStores(async ([store]) => {
      await store?.put([seen('n1', start, { 'os.id': 'debian' })]);
      const gone = { node: 'n1', at: iso(start + 5000), reached: false, sections: [], volatile: new Map() };
      await store?.put([gone, { ...gone, node: 'n2' }]);
      expect(await store?.contacts()).toEqual([
        { node: 'n1', at: iso(start + 5000), reached: false },
        { node: 'n2', at: iso(start + 5000), reached: false },
      ]);
      expect(await store?.latest()).toEqual([
        { node: 'n1', attribute: 'os.id', value: 'debian', since: iso(start), seenAt: iso(start) },
      ]);
    });
  });

  it('takes a clock that was set back for one that stood still', async () => {
    await withStores(async ([store]) => {
      await store?.put([seen('n1', start, { 'os.id': 'a' })]);
      await store?.put([seen('n1', start - 5000, { 'os.id': 'b' })]);
      expect(await store?.latest()).toMatchObject([{ value: 'b', since: iso(start), seenAt: iso(start) }]);
      expect(await store?.history('n1')).toHaveLength(2);
    });
  });

  it('does not take a section for the same when another process has seen it change since', async () => {
    await withStores(async ([store]) => {
      await store?.put([seen('n1', start, { 'os.id': 'a' })]);
      const old = { section: 'os', state: 'same' as const, digest: 'other', readings: new Map() };
      await store?.put([{ node: 'n1', at: iso(start + 1000), reached: true, sections: [old], volatile: new Map() }]);
      expect(await store?.latest()).toMatchObject([{ value: 'a', seenAt: iso(start) }]);
    });
  });

  it('forgets old history when it is told to, and nothing that still holds', async () => {
    await withStores(async ([store]) => {
      for (let n = 0; n < 60; n += 1)
        await store?.put([seen('n1', start + n * 1000, { 'os.id': `${n}x`, 'os.name': 'n' })]);
      await store?.prune(iso(start + 50_000));
      const history = (await store?.history('n1', 'os.id')) ?? [];
      expect(history.length).toBeLessThan(30);
      expect(await store?.latest({ at: iso(start + 50_000) })).toMatchObject([{ value: '50x' }, { value: 'n' }]);
      expect(await store?.latest()).toMatchObject([{ value: '59x' }, { value: 'n', since: iso(start) }]);
    });
  });
});

function seen(node: string, at: number, values: Record<string, string>, also?: string): NodeSighting {
  const bySection = new Map<string, Map<string, Reading>>();
  for (const [name, value] of Object.entries(values)) {
    const word = name.split('.')[0] ?? '';
    bySection.set(word, (bySection.get(word) ?? new Map<string, Reading>()).set(name, { value }));
  }
  if (also !== undefined) bySection.set(also, new Map());
  const sections = [...bySection].map(([word, readings]): SectionSighting => ({
    section: word,
    state: 'seen',
    digest: JSON.stringify(values),
    readings,
  }));
  return { node, at: iso(at), reached: true, sections, volatile: new Map() };
}

function sorted<T extends Omit<Observation, 'seenAt'>>(list: readonly T[]): T[] {
  const key = ({ node, attribute, since }: T): string => `${node} ${attribute} ${since}`;
  return [...list].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

/** Two handles on one file, as two processes have, and segments so short that many are closed. */
async function withStores(work: (stores: ObservationStore[]) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'edgectl-observations-'));
  const open = async (): Promise<ObservationStore> =>
    openObservations({ file: join(dir, 'observations.db'), segmentBytes: 48 });
  const stores = [await open(), await open()];
  try {
    await work(stores);
  } finally {
    for (const store of stores) await store.close();
    rmSync(dir, { recursive: true });
  }
}
