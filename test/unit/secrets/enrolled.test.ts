import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { EnrolledNode } from '../../../src/secrets/enrolled.js';
import { enrolledFile, isLower, readAllEnrolled, readEnrolled, writeEnrolled } from '../../../src/secrets/enrolled.js';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const record: EnrolledNode = {
  schema: 1,
  fleet: 'F1',
  node: 'pos-001',
  class: 'tpm',
  enrolledAt: '2026-01-01T00:00:00.000Z',
  hostKeys: ['ssh-ed25519 AAAA'],
  floor: 7,
  tpm: {
    ekHash: 'ab'.repeat(32),
    maker: 'CN=maker',
    ak: 'AAAA',
    srk: 'BBBB',
    counterIndex: 0x1800100,
    pcrs: { '7': '11'.repeat(32) },
    resetCount: 3,
    firmwareVersion: '12345678901234567890',
  },
  policies: [{ pcrs: [7], digest: 'AAAA', signature: 'AAAA', at: '2026-01-01T00:00:00.000Z' }],
  lowered: [],
};

describe('the record of an enrolled node', () => {
  let dir: string;
  let fleet: { dir: string; id: string };

  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'enrolled-'));
    fleet = { dir, id: 'F1' };
    await writeEnrolled(dir, record, privateKey);
  });
  afterEach(async () => {
    await rm(dir, { recursive: true });
  });

  it('is read as it was written', async () => {
    expect(await readEnrolled(fleet, 'pos-001', publicKey)).toEqual(record);
    expect([...(await readAllEnrolled(fleet, publicKey)).keys()]).toEqual(['pos-001']);
    expect(await readEnrolled(fleet, 'pos-002', publicKey)).toBeUndefined();
  });

  it.each([
    ['"class": "tpm"', '"class": "tpm-pinned"'],
    ['"floor": 7', '"floor": 6'],
    ['"srk": "BBBB"', '"srk": "CCCC"'],
    ['"resetCount": 3', '"resetCount": 4'],
    ['"lowered": []', '"lowered": [{"from": "tpm", "reason": "x", "at": "x"}]'],
  ])('is refused when %s became %s', async (from, to) => {
    const file = enrolledFile(dir, 'pos-001');
    const text = await readFile(file, 'utf8');
    expect(text).toContain(from);
    await writeFile(file, text.replace(from, to));
    await expect(readEnrolled(fleet, 'pos-001', publicKey)).rejects.toMatchObject({ code: 'MANIFEST_SIGNATURE' });
  });

  it('is refused under another name, in another fleet, by another key, and when it is no record', async () => {
    await expect(readEnrolled({ dir, id: 'F2' }, 'pos-001', publicKey)).rejects.toMatchObject({
      code: 'MANIFEST_SIGNATURE',
    });
    const stranger = generateKeyPairSync('ed25519').publicKey;
    await expect(readEnrolled(fleet, 'pos-001', stranger)).rejects.toMatchObject({ code: 'MANIFEST_SIGNATURE' });
    await rename(enrolledFile(dir, 'pos-001'), enrolledFile(dir, 'pos-002'));
    await expect(readEnrolled(fleet, 'pos-002', publicKey)).rejects.toMatchObject({ code: 'MANIFEST_SIGNATURE' });
    await writeFile(enrolledFile(dir, 'pos-003'), '{"record": {}, "signature": "AAAA"}');
    await expect(readEnrolled(fleet, 'pos-003', publicKey)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await writeFile(enrolledFile(dir, 'pos-003'), 'not JSON');
    await expect(readEnrolled(fleet, 'pos-003', publicKey)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

it('classes have an order, the strongest last', () => {
  expect(isLower('software', 'tpm-tofu')).toBe(true);
  expect(isLower('tpm-tofu', 'tpm')).toBe(true);
  expect(isLower('tpm', 'tpm-pinned')).toBe(true);
  expect(isLower('tpm', 'tpm')).toBe(false);
  expect(isLower('tpm-pinned', 'software')).toBe(false);
});
