import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { judgeCompatibility, majorOf } from '../../../src/bundle/drivers/compatibility.js';
import { listDrivers } from '../../../src/bundle/drivers/load.js';

const templates = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../templates/drivers');
const drivers = (await listDrivers([templates])).map(({ driver }) => driver);

describe('compatibility of a change', () => {
  test('containerd with its shim and runc to a newer major needs no care: the trial keeps the old shim', () => {
    const state = {
      containerd: { from: '1.7.24~ds1-6', to: '2.1.9+ds1-5' },
      'containerd-shim': { from: '1.7.24~ds1-6', to: '2.1.9+ds1-5' },
      runc: { from: '1.1.15+ds1-2', to: '1.3.6+ds1-1' },
    };
    expect(judgeCompatibility(drivers, state)).toEqual([]);
  });

  test('a shim of a newer major than the daemon is refused', () => {
    const state = { containerd: { from: '1.7.24', to: '1.7.24' }, 'containerd-shim': { from: '1.7.24', to: '2.1.9' } };
    expect(judgeCompatibility(drivers, state)).toMatchObject([
      {
        component: 'containerd-shim',
        with: 'containerd',
        level: 'refusal',
        message: expect.stringContaining('1.7.24 → 2.1.9'),
      },
    ]);
  });

  test('a daemon that goes back a major version is refused, because containers would be orphaned', () => {
    const findings = judgeCompatibility(drivers, { containerd: { from: '2.1.9', to: '1.7.24' } });
    expect(findings).toMatchObject([{ component: 'containerd', level: 'refusal' }]);
  });

  test('a runc that goes back a major version, and any change of runsc, are warned of', () => {
    const state = { runc: { from: '2.0.0', to: '1.3.6' }, runsc: { from: '20240729', to: '20250101' } };
    expect(judgeCompatibility(drivers, state).map((each) => [each.component, each.level])).toEqual([
      ['runc', 'warning'],
      ['runsc', 'warning'],
    ]);
  });

  test('what does not change, or is installed for the first time, is not judged', () => {
    const state = { containerd: { from: '2.1.9', to: '2.1.9' }, runsc: { from: null, to: '20250101' } };
    expect(judgeCompatibility(drivers, state)).toEqual([]);
  });

  test.each([
    ['2.1.9+ds1-5', 2],
    ['1.6.20~ds1-1', 1],
    ['v3.0', 3],
    ['1:4.2', 4],
    ['0-adopted-1.7.24', 1],
    ['0-adopted-3fa9', null],
    ['nightly', null],
    [null, null],
  ])('the major version of %j is %j', (version, major) => {
    expect(majorOf(version)).toBe(major);
  });
});
