import { describe, expect, it } from 'vitest';
import type { CheckResult } from '../../../src/doctor/check.js';
import type { Computer } from '../../../src/doctor/computer/check.js';
import { nodeVersionCheck } from '../../../src/doctor/computer/node-version.js';
import { computerExitCode } from '../../../src/doctor/exit-code.js';

describe('the version of Node.js', () => {
  const state = async (nodeVersion: string) => (await nodeVersionCheck.run({ nodeVersion } as Computer)).state;

  it('is 20.19 or later', async () => {
    expect(await Promise.all(['20.19.0', '20.20.2', '22.0.0', '24.1.0'].map(state))).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(await Promise.all(['20.18.3', '18.20.0', '16.0.0'].map(state))).toEqual(['bad', 'bad', 'bad']);
  });
});

describe('the exit code of edgectl doctor', () => {
  const bad = (id: string, refused = false): CheckResult => ({ id, state: 'bad', detail: '', hint: 'x', refused });
  const warn: CheckResult = { id: 'journal', state: 'warn', detail: '' };

  it('is 0 with warnings, 3 or 4 when a bastion is the only trouble, 1 otherwise', () => {
    expect(computerExitCode([])).toBe(0);
    expect(computerExitCode([warn])).toBe(0);
    expect(computerExitCode([warn, bad('bastions')])).toBe(3);
    expect(computerExitCode([bad('bastions', true)])).toBe(4);
    expect(computerExitCode([bad('journal'), bad('bastions', true)])).toBe(1);
    expect(computerExitCode([bad('journal')])).toBe(1);
  });
});
