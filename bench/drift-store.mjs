// The store of observations after 90 days of hourly sweeps: how large it is, and how long a report waits for it.
//   node bench/drift-store.mjs [--nodes 10000] [--attributes 300] [--days 90] [--percent 1] [--check]
// In every sweep `percent` of all attributes of all nodes change. Rows are made in bulk with the store's own functions, because 21.6 million
// writes one by one take an hour; `--check` makes a small fleet both ways and fails unless every query answers the same.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { ByteWriter } from '../dist/journal/observations/bytes.js';
import { packLooks } from '../dist/journal/observations/looks.js';
import { openObservations } from '../dist/journal/observations/open.js';
import { appendChanges, beginSegment, NodeState } from '../dist/journal/observations/segment.js';
import { SEGMENT_BYTES } from '../dist/journal/observations/store.js';

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? fallback : Number(process.argv[at + 1]);
};
const limits = { seconds: 3, bytes: 500e6 };
const start = Date.parse('2026-08-01T00:00:00Z');
const hour = 3_600_000;
const sectionNames = Array.from({ length: 20 }, (_, n) => `s${n}`);
const dir = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'edgectl-drift-store-'));

try {
  if (process.argv.includes('--check')) await check();
  else await measure();
} finally {
  rmSync(dir, { recursive: true });
}

/** A world that is the same at every run: what changes when, and to what. */
function worldOf({ nodes, attributes, sweeps, percent }) {
  const attributeNames = Array.from({ length: attributes }, (_, n) => `${sectionNames[n % 20]}.attribute-${n}`);
  // Of an attribute, one of twenty texts, like versions, states and digests; every fourth attribute is a number.
  const valueOf = (attribute, k) =>
    attribute % 4 === 0 ? String(1000 + k) : `value ${attribute} as it was the ${k}th time`;
  let seed = 42;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  const perLook = (attributes * percent) / 100;
  /** Changes of one node at one sweep: [attribute, value number]. */
  const changes = () => {
    const count = Math.floor(perLook) + (random() < perLook % 1 ? 1 : 0);
    const found = new Map();
    for (let n = 0; n < count; n += 1) found.set(Math.floor(random() * attributes), Math.floor(random() * 20));
    return found;
  };
  // A sweep takes some minutes, and nobody answers at the same moment twice.
  const when = (sweep) => (start + sweep * hour) / 1000 + Math.floor(random() * 120);
  return { nodes, attributes, sweeps, attributeNames, valueOf, changes, when };
}

/** Writes the rows that the sweeps would have left. */
async function bulk(file, world) {
  const { nodes, sweeps, attributeNames, valueOf, changes, when } = world;
  await (await openObservations({ file })).close();
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = OFF');
  const mask = attributeNames.length + 1;
  const codes = attributeNames.map((_, a) =>
    Array.from({ length: 20 }, (_, k) => (a % 4 === 0 ? (1000 + k) * 2 + 1 : (a * 20 + k + 1) * 2)),
  );
  const insert = (sql) => db.prepare(sql);
  db.transaction(() => {
    const names = insert('insert into names values (?, ?)');
    attributeNames.forEach((name, n) => names.run(n + 1, name));
    names.run(mask, `:${[...sectionNames].sort().join(',')}`);
    const texts = insert('insert into texts values (?, ?)');
    attributeNames.forEach((_, a) => {
      if (a % 4 !== 0) for (let k = 0; k < 20; k += 1) texts.run(a * 20 + k + 1, `=${valueOf(a, k)}`);
    });
  })();
  const node = insert('insert into nodes values (?, ?, ?, 1, ?, ?, ?)');
  const tails = insert('insert into tails values (?, ?, ?, ?, ?, ?)');
  const segments = insert('insert into segments values (?, ?, ?, ?)');
  const digests = insert('insert into digests values (?, ?)');
  const volatiles = insert('insert into volatiles values (?, ?, ?)');
  const digest = JSON.stringify(Object.fromEntries(sectionNames.map((name) => [name, '0123456789abcdef'])));
  const looks = Array.from({ length: sweeps }, () => []);
  const state = new NodeState();
  for (let from = 1; from <= nodes; from += 500) {
    db.transaction(() => {
      for (let id = from; id < Math.min(from + 500, nodes + 1); id += 1) {
        state.clear();
        let at = when(0);
        looks[0].push({ node: id, at, mask });
        attributeNames.forEach((_, a) => state.set(a + 1, codes[a][id % 3], at));
        let [seq, rev, firstAt, lastAt, body] = [1, 1, at, at, beginSegment(state, at)];
        for (let sweep = 1; sweep < sweeps; sweep += 1) {
          at = when(sweep);
          looks[sweep].push({ node: id, at, mask });
          const list = [];
          for (const [a, k] of changes())
            if (state.code(a + 1) !== codes[a][k]) list.push({ id: a + 1, code: codes[a][k] });
          if (list.length === 0) continue;
          rev += 1;
          for (const { id: its, code } of list) state.set(its, code, at);
          if (body.length > SEGMENT_BYTES) {
            segments.run(id, seq, firstAt, deflateRawSync(body));
            [seq, firstAt, body] = [seq + 1, at, beginSegment(state, at)];
          } else body = appendChanges(body, lastAt, at, list);
          lastAt = at;
        }
        node.run(id, nameOf(id), at, at, mask, '');
        tails.run(id, rev, seq, firstAt, lastAt, body);
        digests.run(id, digest);
        const now = new ByteWriter();
        for (let n = 1; n <= 12; n += 1) now.put(n).put(id * 2 + 1);
        volatiles.run(id, at, now.done());
      }
    })();
  }
  const row = insert('insert into looks values (?, ?, ?, ?)');
  db.transaction(() => {
    looks.forEach((list, n) => {
      const { firstAt, lastAt, body } = packLooks(list);
      row.run(n + 1, firstAt, lastAt, body);
    });
  })();
  db.close();
}

/** The same by the store's own door, sweep by sweep. */
async function oneByOne(file, world) {
  const { nodes, sweeps, attributeNames, valueOf, changes, when } = world;
  const store = await openObservations({ file });
  // The world tells its changes node by node; the store wants them sweep by sweep.
  const held = [];
  const plans = [];
  for (let id = 1; id <= nodes; id += 1) {
    const its = [{ at: when(0), changes: new Map() }];
    for (let sweep = 1; sweep < sweeps; sweep += 1) its.push({ at: when(sweep), changes: changes() });
    plans.push(its);
    held.push(attributeNames.map((_, a) => valueOf(a, id % 3)));
  }
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    await store.put(
      plans.map((its, n) => {
        const { at, changes: found } = its[sweep];
        for (const [a, k] of found) held[n][a] = valueOf(a, k);
        return sighting(n + 1, at, held[n], attributeNames, `${sweep}`);
      }),
    );
  }
  await store.close();
}

function sighting(id, at, values, attributeNames, digest) {
  const sections = sectionNames.map((section, s) => ({
    section,
    state: 'seen',
    digest,
    readings: new Map(attributeNames.flatMap((name, a) => (a % 20 === s ? [[name, { value: values[a] }]] : []))),
  }));
  return { node: nameOf(id), at: new Date(at * 1000).toISOString(), reached: true, sections, volatile: new Map() };
}

function nameOf(id) {
  return `edge-${String(id).padStart(5, '0')}`;
}

async function check() {
  const shape = { nodes: 20, attributes: 60, sweeps: 400, percent: 5 };
  const files = [join(dir, 'bulk.db'), join(dir, 'one.db')];
  await bulk(files[0], worldOf(shape));
  await oneByOne(files[1], worldOf(shape));
  const answers = [];
  for (const file of files) {
    const store = await openObservations({ file });
    const times = [undefined, 10, 100, 399].map((n) =>
      n === undefined ? {} : { at: new Date(start + n * hour).toISOString() },
    );
    const all = [];
    for (const filter of times) {
      const found = await store.latest(filter);
      all.push(found.map((one) => JSON.stringify(one)).sort());
    }
    all.push((await store.history(nameOf(7))).map((one) => JSON.stringify(one)).sort());
    answers.push(all.map((list) => [...new Set(list)]));
    await store.close();
  }
  const names = ['latest', 'after 10 h', 'after 100 h', 'after 399 h', 'history'];
  let bad = false;
  names.forEach((name, n) => {
    const [a, b] = [answers[0][n], answers[1][n]];
    // The bulk rows have volatile ones under names of attributes; they are in the newest answer only.
    const missing = b.filter((line) => !a.includes(line));
    console.log(`${name}: ${b.length} observations, ${missing.length} missing in bulk`);
    bad ||= missing.length > 0;
  });
  const size = files.map((file) => statSync(file).size);
  console.log(`bulk ${size[0]} bytes, one by one ${size[1]} bytes: ratio ${(size[0] / size[1]).toFixed(2)}`);
  if (bad) process.exitCode = 1;
}

async function measure() {
  const shape = {
    nodes: option('nodes', 10_000),
    attributes: option('attributes', 300),
    percent: option('percent', 1),
  };
  const sweeps = option('days', 90) * 24;
  const world = worldOf({ ...shape, sweeps });
  const file = join(dir, 'observations.db');
  let began = performance.now();
  await bulk(file, world);
  console.log(
    `made ${sweeps} sweeps of ${shape.nodes} nodes x ${shape.attributes} attributes, ${shape.percent} % changing, in ${took(began)}`,
  );
  const size = statSync(file).size;
  const store = await openObservations({ file });
  // On a busy machine the clock on the wall measures the neighbours, so both are said; the database's own thread is in the processor time.
  const timed = async (what, work) => {
    began = performance.now();
    const before = process.cpuUsage();
    const result = await work();
    const seconds = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(before);
    console.log(`${what}: ${seconds.toFixed(2)} s (${((user + system) / 1e6).toFixed(2)} s of processor time)`);
    return { seconds, result };
  };
  const all = await timed('latest of everything', async () => (await store.latest()).length);
  console.log(`  ${all.result} observations, peak RSS ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
  const middle = new Date(start + (sweeps / 2) * hour).toISOString();
  await timed('everything as it was in the middle', async () => (await store.latest({ at: middle })).length);
  await timed('latest of one node', async () => (await store.latest({ nodes: [nameOf(7)] })).length);
  const history = await timed('history of one node', async () => (await store.history(nameOf(7))).length);
  console.log(`  ${history.result} changes`);
  const end = start + sweeps * hour;
  const same = (id) => ({
    node: nameOf(id),
    at: new Date(end).toISOString(),
    reached: true,
    sections: sectionNames.map((section) => ({
      section,
      state: 'same',
      digest: '0123456789abcdef',
      readings: new Map(),
    })),
    volatile: new Map([['s0.attribute-0', { value: String(id) }]]),
  });
  await timed('keeping an unchanged sweep', async () => {
    for (let id = 1; id <= shape.nodes; id += 256) {
      await store.put(Array.from({ length: Math.min(256, shape.nodes - id + 1) }, (_, n) => same(id + n)));
    }
  });
  await store.close();
  console.log(`database: ${Math.round(size / 1e6)} MB`);
  console.log(
    `ratio to the limits: time ${(all.seconds / limits.seconds).toFixed(2)}, size ${(size / limits.bytes).toFixed(2)}`,
  );
  if (all.seconds > limits.seconds || size > limits.bytes) process.exitCode = 1;
}

function took(began) {
  return `${((performance.now() - began) / 1000).toFixed(0)} s`;
}
