import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openJournal, RESERVE_BYTES } from '../../../src/journal/journal.js';
import { makePlan } from '../../helpers/make-plan.js';
import { requires } from '../../helpers/requires.js';

const need = requires('root');

describe.skipIf(need.skip)('a journal on a file system of 20 MiB', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'edgectl-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', dir]);
  });
  afterAll(() => {
    execFileSync('umount', [dir]);
    rmSync(dir, { recursive: true, force: true });
  });

  it('loses no result when the disk runs full, starts nothing new, and does not open again until there is room', async () => {
    const file = join(dir, 'journal.db');
    const plan = makePlan({ nodes: ['a'] });
    const journal = await openJournal({ file, now: () => 0 });
    await journal.runs.create(plan);
    await journal.attempts.intend(plan.id, { node: 'a', seq: 1, attempt: 1, action: 'x', wireId: 'w', nonce: 'ff' });
    const body = 'x'.repeat(100_000);
    let seq = 0;
    while (!journal.full && seq < 400)
      await journal.events.append(plan.id, { seq: (seq += 1), at: 't', type: 'warning', body });
    expect(journal.full).toBe(true);
    expect(await journal.events.last(plan.id)).toBe(seq);
    const outcome = { kind: 'changed', state: 'staged', message: 'done' } as const;
    await journal.attempts.conclude(plan.id, { node: 'a', seq: 1, attempt: 1 }, outcome);
    const next = journal.attempts.intend(plan.id, {
      node: 'a',
      seq: 2,
      attempt: 1,
      action: 'x',
      wireId: 'w',
      nonce: 'ff',
    });
    await expect(next).rejects.toMatchObject({ code: 'JOURNAL_DISK_FULL' });
    await journal.close();
    expect(readdirSync(dir)).not.toContain('journal.db.reserve');

    writeFileSync(join(dir, 'somebody-elses'), Buffer.alloc(RESERVE_BYTES / 2));
    await expect(openJournal({ file, now: () => 0 })).rejects.toMatchObject({ code: 'JOURNAL_DISK_FULL', exitCode: 1 });
    const looking = await openJournal({ file, now: () => 0, lookOnly: true });
    expect(await looking.attempts.list(plan.id)).toMatchObject([{ seq: 1, outcome: { state: 'staged' } }]);
    await looking.close();
  });
});
