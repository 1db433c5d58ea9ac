import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openJournal, setAsideJournal, type Journal, type JournalOptions } from '../../../src/journal/journal.js';
import { journalFile } from '../../../src/journal/paths.js';
import { makePlan } from '../../helpers/make-plan.js';

const owner = { owner: 'ana', host: 'laptop', pid: 100, bootId: 'b1', started: '1' };
const outcome = { kind: 'changed', state: 'staged', message: 'done' } as const;

describe('the journal', { timeout: 60_000 }, () => {
  let dir: string;
  let time = Date.parse('2026-05-01T10:00:00Z');
  const opened: Journal[] = [];
  const open = async (extra: Partial<JournalOptions> = {}): Promise<Journal> => {
    const journal = await openJournal({
      file: join(dir, 'state/journal.db'),
      now: () => time,
      owner,
      alive: () => true,
      reserveBytes: 1 << 20,
      ...extra,
    });
    opened.push(journal);
    return journal;
  };
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'edgectl-journal-'));
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((journal) => journal.kill()));
    await rm(dir, { recursive: true, force: true });
  });

  it('keeps a run, its attempts and its nodes when the process dies right after append resolved', async () => {
    const plan = makePlan({ nodes: ['a', 'b'] });
    const journal = await open();
    await journal.runs.create(plan);
    await journal.attempts.intend(plan.id, {
      node: 'a',
      seq: 1,
      attempt: 1,
      action: 'runtime.stage',
      wireId: 'w',
      nonce: 'ff',
    });
    await journal.attempts.conclude(plan.id, { node: 'a', seq: 1, attempt: 1 }, outcome);
    await journal.runs.setNode(plan.id, {
      node: 'a',
      stage: 'all',
      state: 'staged',
      why: null,
      message: 'm',
      log: null,
    });
    await journal.kill();
    const again = await open();
    expect(await again.runs.plan(plan.id)).toEqual(plan);
    expect(await again.attempts.list(plan.id)).toMatchObject([{ node: 'a', seq: 1, nonce: 'ff', outcome }]);
    expect(await again.runs.nodes(plan.id)).toMatchObject([{ node: 'a', state: 'staged' }]);
  });

  it('writes more records than one group holds, in order', async () => {
    const plan = makePlan({ nodes: ['a'] });
    const journal = await open();
    await journal.runs.create(plan);
    await Promise.all(
      Array.from({ length: 1000 }, async (_, seq) =>
        journal.events.append(plan.id, { seq: seq + 1, at: 't', type: 'warning', body: '{}' }),
      ),
    );
    expect(await journal.events.last(plan.id)).toBe(1000);
    expect((await journal.events.list(plan.id, 990)).map((event) => event.seq)).toEqual([
      991, 992, 993, 994, 995, 996, 997, 998, 999, 1000,
    ]);
  });

  it('rejects only the bad record of a group', async () => {
    const plan = makePlan({ nodes: ['a'] });
    const journal = await open();
    await journal.runs.create(plan);
    const event = (seq: number) => journal.events.append(plan.id, { seq, at: 't', type: 'warning', body: '{}' });
    const results = await Promise.allSettled([event(1), event(1), event(2)]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await journal.events.last(plan.id)).toBe(2);
  });

  it('says that a damaged file is damaged, keeps it, and starts anew once it is set aside', async () => {
    const file = join(dir, 'journal.db');
    await writeFile(file, 'not a database, but long enough to look like one'.repeat(200));
    await expect(open({ file })).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT', exitCode: 1 });
    expect(await readdir(dir)).toContain('journal.db');
    const moved = await setAsideJournal(file, time);
    expect(moved).toHaveLength(1);
    const journal = await open({ file });
    expect(await journal.runs.list()).toEqual([]);
  });

  it('finds damage in the middle of the file', async () => {
    const journal = await open();
    for (let run = 0; run < 20; run += 1) await journal.runs.create(makePlan({ nodes: ['a', 'b', 'c'], run }));
    await journal.close();
    const { open: openFile } = await import('node:fs/promises');
    const handle = await openFile(journal.file, 'r+');
    await handle.write(Buffer.alloc(4096 * 6, 0x5a), 0, 4096 * 6, 4096);
    await handle.close();
    await expect(open()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' });
  });

  it('writes the results in flight when the disk runs full, and then refuses to start anything', async () => {
    const plan = makePlan({ nodes: ['a'] });
    const journal = await open({ maxPages: 48 });
    await journal.runs.create(plan);
    const long = 'x'.repeat(20_000);
    for (let seq = 1; seq <= 12; seq += 1)
      await journal.events.append(plan.id, { seq, at: 't', type: 'warning', body: long });
    expect(journal.full).toBe(true);
    expect(await journal.events.last(plan.id)).toBe(12);
    const intent = journal.attempts.intend(plan.id, {
      node: 'a',
      seq: 1,
      attempt: 1,
      action: 'x',
      wireId: 'w',
      nonce: '',
    });
    await expect(intent).rejects.toMatchObject({ code: 'JOURNAL_DISK_FULL' });
    expect(await readdir(join(dir, 'state'))).not.toContain('journal.db.reserve');
  });

  it('names a live holder of a run’s lease and takes over from a dead one', async () => {
    const journal = await open();
    const mine = await journal.leases.take('run 1');
    const second = await open({ owner: { ...owner, owner: 'bo', pid: 200 } });
    await expect(second.leases.take('run 1')).rejects.toMatchObject({
      code: 'LEASE_HELD',
      exitCode: 9,
      data: { owner: 'ana', pid: 100 },
    });
    const third = await open({ owner: { ...owner, owner: 'cy', pid: 300 }, alive: () => false });
    const taken = await third.leases.take('run 1');
    expect(taken).toMatchObject({ token: 2, tookOver: { owner: 'ana' } });
    expect(await journal.leases.renew(mine)).toBe(false);
    await third.leases.release(taken);
    expect(await journal.leases.take('run 1')).toMatchObject({ token: 3 });
  });

  it('takes over after a reboot and, from another machine, after a minute of silence', async () => {
    const journal = await open();
    await journal.leases.take('run 1');
    const rebooted = await open({ owner: { ...owner, bootId: 'b2' } });
    expect(await rebooted.leases.take('run 1')).toMatchObject({ token: 2 });
    const elsewhere = await open({ owner: { ...owner, host: 'desktop' } });
    await expect(elsewhere.leases.take('run 1')).rejects.toMatchObject({ code: 'LEASE_HELD' });
    time += 61_000;
    expect(await elsewhere.leases.take('run 1')).toMatchObject({ token: 3 });
  });

  it('lets exactly one of two processes take a free lease at the same moment', async () => {
    const [left, right] = await Promise.all([open(), open({ owner: { ...owner, pid: 200 } })]);
    const results = await Promise.allSettled([left.leases.take('run 1'), right.leases.take('run 1')]);
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  });

  it('hears a request from another process', async () => {
    const plan = makePlan({ nodes: ['a'] });
    const journal = await open();
    await journal.runs.create(plan);
    const other = await open();
    expect(await other.runs.request(plan.id, 'pause')).toBe(true);
    expect(await journal.runs.get(plan.id)).toMatchObject({ request: 'pause' });
    expect(await other.runs.request('nobody', 'pause')).toBe(false);
  });

  it('lives where XDG says', () => {
    expect(journalFile('F', { XDG_STATE_HOME: '/s' }, '/home/a')).toBe('/s/edgectl/F/journal.db');
    expect(journalFile('F', { XDG_STATE_HOME: 'relative' }, '/home/a')).toBe(
      '/home/a/.local/state/edgectl/F/journal.db',
    );
  });
});
