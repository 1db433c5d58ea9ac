import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildKit, kitParts, partFile, readKitPart, stripLab } from '../../../src/node/kit-build.js';
import { factsScript, prepareScript, shellQuote } from '../../../src/node/prepare-script.js';
import { requires } from '../../helpers/requires.js';

const options = { version: '1.2.3', builtAt: 1_700_000_000 };

describe('building the kit', () => {
  it('takes the lab’s failpoints and switches out of a kit for real nodes', async () => {
    const real = await buildKit({ ...options, init: 'systemd', lab: false });
    expect(real).not.toMatch(/#@|\bfp \d|lab_has|failpoint|etc\/edgectl\/lab|\$ETC\/lab/);
    const lab = await buildKit({ ...options, init: 'systemd', lab: true });
    for (let fp = 1; fp <= 18; fp++) expect(lab).toMatch(new RegExp(`\\bfp ${fp}$`, 'm'));
  });

  it('holds one init driver and says what it was built from', async () => {
    const sandbox = await buildKit({ ...options, init: 'sandbox', lab: false, shell: '/bin/busybox sh' });
    expect(sandbox.split('\n')[0]).toBe('#!/bin/busybox sh');
    expect(sandbox).not.toContain('systemctl');
    expect(sandbox).toContain("KIT_VERSION='1.2.3'");
    expect(sandbox).toContain('KIT_BUILT=1700000000');
    expect(sandbox).toContain("INIT='sandbox'");
  });

  it('reads no variable of the environment but its own arguments', async () => {
    const real = await buildKit({ ...options, init: 'systemd', lab: false });
    expect(real).not.toMatch(/\$\{?EDGECTL_/);
    expect(real).toContain('exec env -i');
  });

  it('refuses lab marks that do not match', () => {
    expect(stripLab('a\n#@lab\nb\n#@end\nc #@lab\nd')).toBe('a\nd');
    expect(() => stripLab('#@lab\nb')).toThrow('without #@end');
    expect(() => stripLab('#@end')).toThrow('without #@lab');
    expect(() => stripLab('#@lab\n#@lab\n#@end')).toThrow('inside');
  });

  it('takes its parts from the reader that it is given', async () => {
    const names: string[] = [];
    const text = await buildKit({ ...options, init: 'sandbox', lab: false }, (name) => {
      names.push(name);
      return Promise.resolve(`# ${name}`);
    });
    expect(names).toEqual(kitParts.map((part) => partFile(part, 'sandbox')));
    expect(text).toContain('# init-sandbox.sh');
  });
});

const shellcheck = requires('shellcheck', 'dash', 'busybox');
describe.skipIf(shellcheck.skip)('the shell code', () => {
  const check = (name: string, text: string): void => {
    const dir = mkdtempSync(join(tmpdir(), 'kit-check-'));
    const file = join(dir, name);
    try {
      writeFileSync(file, text);
      expect(
        execFileSync('sh', ['-c', 'shellcheck -s sh -f gcc "$1"; exit 0', 'sh', file]).toString().replaceAll(dir, ''),
      ).toBe('');
      for (const shell of [['dash'], ['bash', '--posix'], ['busybox', 'sh']])
        execFileSync(shell[0] ?? '', [...shell.slice(1), '-n', file]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  };

  it.each([
    ['systemd', true],
    ['systemd', false],
    ['sandbox', true],
    ['sandbox', false],
  ] as const)(
    'of a kit for %s (lab: %s) is clean and parses in every shell',
    async (init, lab) => {
      check('edgectl-node', await buildKit({ ...options, init, lab }));
    },
    600_000,
  );

  it('of the scripts of first contact is clean and parses in every shell', async () => {
    const disable = '#!/bin/sh\n# shellcheck disable=SC2015,SC2034,SC2317,SC1091\n';
    const kit = await buildKit({ ...options, init: 'systemd', lab: false });
    check(
      'prepare',
      disable +
        (await prepareScript({
          mode: 'install',
          init: 'systemd',
          kit,
          node: 'n1',
          fleet: 'f',
          allowedSigners: 'a b\n',
          user: { name: 'edgectl' },
        })),
    );
    check('facts', disable + (await factsScript({ components: ['runc'] })));
  }, 600_000);
});

describe('the script of first contact', () => {
  const base = {
    init: 'sandbox' as const,
    kit: '#!/bin/sh\n',
    node: 'edge-001',
    fleet: 'f1',
    allowedSigners: 'operator ssh-ed25519 AAAA\n',
  };

  it('carries its arguments quoted, whatever they hold, and the kit only when it installs', async () => {
    const install = await prepareScript({ ...base, mode: 'install', prefix: "/tmp/it's $(here)" });
    expect(install).toContain(`ARG_prefix='/tmp/it'\\''s $(here)'`);
    expect(install).toContain('EDGECTL_KIT_ENDS_HERE');
    expect(install.trimEnd().endsWith('main\nexit\n}')).toBe(true);
    const undo = await prepareScript({ ...base, mode: 'undo', kit: 'SECRET' });
    expect(undo).not.toContain('SECRET');
    expect(shellQuote("a'b")).toBe(`'a'\\''b'`);
  });

  it('refuses names that would not be names on a node', async () => {
    await expect(prepareScript({ ...base, mode: 'check', node: '../x' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(prepareScript({ ...base, mode: 'check', user: { name: 'root; id' } })).rejects.toMatchObject({
      code: 'USAGE',
    });
    expect(() => shellQuote('a\0b')).toThrow('NUL');
  });

  it('has no lab code in it', async () => {
    const text = await prepareScript({ ...base, mode: 'install', kit: await readKitPart('00-head.sh').then(stripLab) });
    expect(text).not.toContain('#@lab');
  });
});
