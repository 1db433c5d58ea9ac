import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openObservations } from '../../../src/journal/observations/open.js';

const dir = mkdtempSync(join(tmpdir(), 'edgectl-observations-'));
afterAll(() => rmSync(dir, { recursive: true }));

describe('a damaged store of observations', () => {
  it('is told with what to do about it, and kept as it is', async () => {
    const file = join(dir, 'observations.db');
    writeFileSync(file, 'this is no database, and it is long enough to be looked at as one '.repeat(100));
    const before = readFileSync(file);
    await expect(openObservations({ file })).rejects.toMatchObject({
      code: 'JOURNAL_CORRUPT',
      hint: expect.stringContaining('edgectl drift sweep') as string,
    });
    expect(readFileSync(file)).toEqual(before);
  });

  it('is JOURNAL_FAILED where no file can be', async () => {
    await expect(
      openObservations({ file: join(dir, 'observations.db', 'below-a-file', 'observations.db') }),
    ).rejects.toMatchObject({
      code: 'JOURNAL_FAILED',
    });
  });
});
