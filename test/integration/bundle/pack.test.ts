import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { inspectArchive } from '../../../src/bundle/inspect.js';
import { decompress } from '../../../src/bundle/sources/decompress.js';
import { packBundle } from '../../../src/bundle/pack.js';
import { demoDriver as driver, program, tarGzOf, tarOf, Workshop } from '../../helpers/bundle-fixtures.js';
import { elf } from '../../helpers/elf.js';
import { requires } from '../../helpers/requires.js';

const shop = new Workshop();
afterAll(() => shop.remove());

const pack = (source: string, more: { version?: string; arch?: string } = { version: '1.0' }) =>
  packBundle({ driver, source, scratch: shop.fresh(), ...more });

function directory(): string {
  const dir = shop.fresh();
  mkdirSync(path.join(dir, 'usr/bin'), { recursive: true });
  mkdirSync(path.join(dir, 'usr/share/demo/deep'), { recursive: true });
  writeFileSync(path.join(dir, 'usr/bin/demo'), program(), { mode: 0o755 });
  writeFileSync(path.join(dir, 'usr/share/demo/deep/text'), 'hello');
  writeFileSync(path.join(dir, 'usr/share/demo/script'), '#!/bin/sh\n', { mode: 0o700 });
  symlinkSync('deep/text', path.join(dir, 'usr/share/demo/link'));
  return dir;
}

describe('packing', () => {
  test('gives the same bytes for the same content, whatever its times, owners, order and modes', async () => {
    const one = directory();
    const two = directory();
    utimesSync(path.join(two, 'usr/bin/demo'), 1, 1);
    chmodSync(path.join(two, 'usr/share/demo/deep/text'), 0o600);
    const packed = [await pack(one), await pack(two)];
    expect(packed[0]?.digest).toBe(packed[1]?.digest);
    expect(readFileSync(packed[0]?.path ?? '').equals(readFileSync(packed[1]?.path ?? ''))).toBe(true);
  });

  test('gives the same bytes from a directory as from an archive of it, in any compression', async () => {
    const dir = directory();
    const digest = (await pack(dir)).digest;
    for (const [name, flag] of [
      ['demo.tar', '-cf'],
      ['demo.tar.gz', '-czf'],
      ['demo.tar.xz', '-cJf'],
    ] as const) {
      const archive = path.join(shop.fresh(), name);
      execFileSync('tar', ['-C', dir, flag, archive, '.']);
      expect((await pack(archive)).digest, name).toBe(digest);
    }
  });

  test('writes plain ustar that the system’s tar unpacks as MANIFEST says', async () => {
    const { path: archive, manifest, arch } = await pack(directory());
    expect(arch).toBe('amd64');
    const out = shop.fresh();
    execFileSync('tar', ['--format=ustar', '-xzf', archive, '-C', out]);
    expect(readdirSync(out).sort()).toEqual(['MANIFEST', 'driver', 'files']);
    const lines = readFileSync(path.join(out, 'MANIFEST'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => line.split(' ').slice(1).join(' '))).toEqual([
      '644 driver',
      '755 files/bin/demo',
      '644 files/share/demo/deep/text',
      'deep/text files/share/demo/link',
      '755 files/share/demo/script',
    ]);
    const sums = lines
      .filter((line) => !line.startsWith('link '))
      .map((line) => `${line.slice(0, 64)}  ${line.split(' ')[2]}\n`);
    expect(execFileSync('sha256sum', ['-c', '-'], { cwd: out, input: sums.join(''), encoding: 'utf8' })).not.toContain(
      'FAILED',
    );
    expect(execFileSync('stat', ['-c', '%a', 'files/bin/demo'], { cwd: out, encoding: 'utf8' }).trim()).toBe('755');
    await expect(inspectArchive(archive)).resolves.toMatchObject({ manifest });
  });

  test('the header of the archive names no time and no system', async () => {
    const head = readFileSync((await pack(directory())).path).subarray(0, 10);
    expect([...head.subarray(4, 8)]).toEqual([0, 0, 0, 0]);
    expect(head[9]).toBe(3);
  });

  test('takes a lone program under any name', async () => {
    const packed = await pack(shop.file('demo.amd64', program()));
    expect(packed.manifest.map((entry) => entry.path)).toEqual(['driver', 'files/bin/demo']);
  });

  test('asks for a version when nothing names one, and takes it from the file name when it does', async () => {
    await expect(pack(shop.file('demo', program()), {})).rejects.toMatchObject({
      code: 'USAGE',
      hint: 'add --version',
    });
    expect((await pack(shop.file('demo-2.5.1-linux-amd64', program()), {})).version).toBe('2.5.1');
    await expect(pack(shop.file('demo', program()), { version: '../1' })).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('programs of two architectures never share a bundle', async () => {
    const dir = directory();
    writeFileSync(path.join(dir, 'usr/share/demo/helper'), elf({ machine: 183 }), { mode: 0o755 });
    await expect(pack(dir)).rejects.toThrow(/different architectures/);
  });
});

describe('what is refused', () => {
  const demo = { name: './usr/bin/demo', mode: 0o755, content: program() };
  test.each([
    ['a member that climbs', [demo, { name: '../../etc/cron.d/x', content: 'x' }], /climbs out/],
    ['a member with an absolute path', [demo, { name: '/etc/cron.d/x', content: 'x' }], /absolute path/],
    ['a hard link that climbs', [{ name: 'usr/bin/demo', type: 'link', linkname: '../../etc/shadow' }], /climbs out/],
    [
      'a link out of the archive',
      [{ name: 'usr/bin/demo', type: 'symlink', linkname: '../../../bin/sh' }],
      /points out of/,
    ],
    ['a link to nothing', [{ name: 'usr/bin/demo', type: 'symlink', linkname: 'gone' }], /link to nothing/],
    [
      'a device instead of a program',
      [{ name: 'usr/bin/demo', type: 'character-device', devmajor: 1, devminor: 5 }],
      /not a plain file/,
    ],
    ['a pipe instead of a program', [{ name: 'usr/bin/demo', type: 'fifo' }], /not a plain file/],
    ['a device within a tree', [demo, { name: 'usr/share/demo/d', type: 'block-device' }], /not a plain file/],
    ['a setuid program', [{ ...demo, mode: 0o4755 }], /setuid/],
    [
      'a web page instead of a program',
      [{ ...demo, content: '<!DOCTYPE html><title>404</title>' }],
      /HTML or XML page/,
    ],
    ['a script instead of a program', [{ ...demo, content: '#!/bin/sh\n' }], /not an ELF program/],
    ['an empty program', [{ ...demo, content: '' }], /empty/],
    ['a name with an escape sequence', [{ name: '/\u001b[2J', content: 'x' }], /\\x1b\[2J/],
  ] as const)('%s', async (_what, members, message) => {
    const archive = shop.file('demo.tar.gz', await tarGzOf(members as never));
    await expect(pack(archive)).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      message: expect.stringMatching(message),
    });
  });

  test.each([
    [
      'a cut archive',
      async () => (await tarGzOf([{ name: 'usr/bin/demo', content: Buffer.alloc(50_000, 7) }])).subarray(0, 60),
    ],
    [
      'a tar cut in the middle of a member',
      async () => (await tarOf([{ name: 'usr/bin/demo', content: program('x'.repeat(9000)) }])).subarray(0, 2048),
    ],
    ['a web page', () => Promise.resolve(Buffer.from('<html><body>Sign in'))],
    ['a zip archive', () => Promise.resolve(Buffer.from('PK\x03\x04rest'))],
    ['noise', () => Promise.resolve(Buffer.from('hello world'))],
    ['an empty file', () => Promise.resolve(Buffer.alloc(0))],
    ['an ar archive that is no .deb', () => Promise.resolve(Buffer.from('!<arch>\n'))],
  ])('%s', async (_what, bytes) => {
    await expect(pack(shop.file('demo-1.0.tar.gz', await bytes()))).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });

  test('a link in a directory that leads out of it', async () => {
    const dir = shop.fresh();
    mkdirSync(path.join(dir, 'bin'));
    symlinkSync('/bin/true', path.join(dir, 'bin/demo'));
    await expect(pack(dir)).rejects.toThrow(/has no demo/);
  });

  test.each(['gzip', 'xz', 'zstd', 'bzip2'] as const)(
    '%s that unpacks to too much is ended at the limit',
    async (tool) => {
      const bomb = path.join(shop.fresh(), 'bomb');
      execFileSync('sh', ['-c', `head -c 50000000 /dev/zero | ${tool} -1 >"$1"`, 'sh', bomb]);
      const out = path.join(shop.fresh(), 'out');
      await expect(decompress(bomb, tool, out, 'bomb', 1 << 20)).rejects.toMatchObject({
        code: 'BUNDLE_INVALID',
        message: 'bomb unpacks to more than 1048576 bytes.',
      });
      expect(statSync(out).size).toBeLessThanOrEqual(1 << 20);
    },
  );
});

const debNeed = requires('dpkg-deb', 'zstd');
describe.skipIf(debNeed.skip)(`a .deb ${debNeed.reason}`, () => {
  function deb(compression: string, control: string): string {
    const dir = directory();
    mkdirSync(path.join(dir, 'DEBIAN'));
    writeFileSync(path.join(dir, 'DEBIAN/control'), control);
    writeFileSync(path.join(dir, 'DEBIAN/preinst'), `#!/bin/sh\ntouch ${shop.dir}/ran\n`, { mode: 0o755 });
    const out = path.join(shop.fresh(), 'demo.deb');
    execFileSync('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '-b', dir, out], { stdio: 'ignore' });
    return out;
  }
  const control =
    'Package: demo\nVersion: 2:1.4~rc1-3\nArchitecture: amd64\nMaintainer: x <x@example.org>\nDescription: x\n';

  test.each(['gzip', 'xz', 'zstd', 'none'])(
    'in %s is read without running its scripts; the epoch is left aside',
    async (compression) => {
      const packed = await pack(deb(compression, control), {});
      expect(packed).toMatchObject({ version: '1.4~rc1-3', arch: 'amd64' });
      expect(readdirSync(shop.dir)).not.toContain('ran');
    },
  );

  test('that claims another architecture than its programs have is refused', async () => {
    await expect(pack(deb('gzip', control.replace('amd64', 'arm64')), {})).rejects.toThrow(
      /is for amd64, not for arm64/,
    );
  });

  test('that is cut off is refused', async () => {
    const whole = readFileSync(deb('xz', control));
    await expect(pack(shop.file('demo.deb', whole.subarray(0, whole.length - 40)), {})).rejects.toThrow(
      /broken or cut off/,
    );
  });
});
