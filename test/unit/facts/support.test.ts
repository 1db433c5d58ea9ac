import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { supportOf, triedReleases, unprovenSystems } from '../../../src/facts/support.js';
import { root } from '../../helpers/cli.js';

const good = {
  os: 'debian',
  'os.version': '13',
  arch: 'amd64',
  init: 'systemd',
  'init.version': '257',
  'init.name': 'systemd',
  verify: 'yes',
  'tools.missing': 'none',
  userland: 'other',
  selinux: 'none',
  ssh: 'openssh',
  'disk.type': 'ext2/ext3',
};
const of = (over: Partial<Record<keyof typeof good, string>> = {}) =>
  supportOf(
    Object.entries({ ...good, ...over }).map(([name, value]) => ({ t: 'fact', name, value })),
    0,
  );
const state = (over: Parameters<typeof of>[0], what: string) =>
  of(over).abilities.find((ability) => ability.what === what);

describe('what a node allows', () => {
  it('is everything on a machine like those of the tests', () => {
    const { abilities, proof } = of();
    expect(abilities.map((ability) => ability.state)).toEqual(['ok', 'ok', 'ok']);
    expect(proof).toEqual({ state: 'tried', what: 'debian 13 amd64' });
  });

  it.each([
    [{ init: 'unknown', 'init.name': 'init' }, 'no systemd: process 1 is init'],
    [{ 'init.version': '239' }, 'systemd 240 or later is needed, this is 239'],
    [{ verify: 'no' }, 'OpenSSH 8.2'],
    [{ 'tools.missing': 'od timeout' }, 'not installed: od timeout'],
    [{ selinux: 'enforcing' }, 'SELinux is enforcing'],
    [{ 'disk.type': 'tmpfs' }, 'empty after a boot'],
  ])('is no rollout with %j', (over, why) => {
    expect(state(over, 'look')?.state).toBe('ok');
    expect(state(over, 'roll out')).toMatchObject({ state: 'refused', why: [expect.stringContaining(why)] });
    expect(state(over, 'call home')?.state).toBe('refused');
  });

  it('is no tunnel without ssh, and unknown where nothing was said', () => {
    expect(state({ ssh: 'none' }, 'call home')).toMatchObject({
      state: 'refused',
      why: [expect.stringContaining('OpenSSH')],
    });
    const silent = supportOf(
      [
        { t: 'fact', name: 'init', value: 'systemd' },
        { t: 'fact', name: 'init.version', value: '257' },
      ],
      0,
    );
    expect(silent.abilities[1]).toMatchObject({ state: 'unknown', why: ['ssh-keygen', 'tools'] });
  });

  it.each([
    [{ os: 'rocky' }, 'unproven', 'RHEL and its kin'],
    [{ os: 'poky' }, 'unproven', 'Yocto'],
    [{ selinux: 'enforcing' }, 'unproven', 'SELinux enforcing'],
    [{ arch: 'arm64' }, 'unproven', 'debian 13 arm64'],
    [{ os: 'alpine', init: 'unknown', userland: 'busybox' }, 'tried', 'first contact with busybox'],
  ])('is called what it is with %j: %s', (over, proof, what) => {
    expect(of(over).proof).toEqual({ state: proof, what });
  });

  it('shows no control characters of the node', () => {
    expect(JSON.stringify(of({ os: 'x\u001b[31m', 'tools.missing': 'a\u001b' }))).not.toContain('\\u001b');
  });

  it('stands in the support page, row by row', () => {
    const page = readFileSync(join(root, 'docs/reference/support.md'), 'utf8');
    for (const { name } of unprovenSystems) expect(page).toContain(`| ${name} | unproven |`);
    for (const release of triedReleases) expect(page).toContain(`| ${release} | tried |`);
  });
});
