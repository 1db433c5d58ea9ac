import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDriver } from '../../../src/bundle/drivers/load.js';
import { selectFiles } from '../../../src/bundle/select.js';
import type { PackSource, SourceEntry } from '../../../src/bundle/sources/source.js';
import { normaliseName } from '../../../src/bundle/sources/source.js';

const driver = parseDriver(
  `component: demo
summary: a demo
class: A
files:
  - to: bin/demo
    from: [usr/bin/demo, '*/bin/demo', demo]
    kind: elf
  - to: bin/extra
    from: [usr/bin/extra]
    kind: elf
    optional: true
trees:
  - to: lib/demo
    from: [usr/lib/demo]
    optional: true
version: {probe: [$ACTIVE/demo/files/bin/demo, -v]}
health: [[$ACTIVE/demo/files/bin/demo, -v]]
`,
  'demo.yaml',
);

const file = (path: string, mode = 0o755): SourceEntry => ({ path, type: 'file', mode, size: 10 });
const link = (path: string, target: string): SourceEntry => ({ path, type: 'symlink', mode: 0o777, size: 0, target });
function source(...entries: SourceEntry[]): PackSource {
  return { kind: 'archive', name: 'demo.tar', entries, extract: () => Promise.reject(new Error('not here')) };
}
const from = (...entries: SourceEntry[]): Record<string, string> =>
  Object.fromEntries(
    selectFiles(driver, source(...entries)).map((each) => [
      each.to,
      each.type === 'file' ? each.from : `-> ${each.target}`,
    ]),
  );

describe('choosing what goes into a bundle', () => {
  test('takes the first candidate that is there, and nothing else', () => {
    expect(from(file('usr/bin/demo'), file('demo'), file('etc/shadow'))).toEqual({ 'bin/demo': 'usr/bin/demo' });
  });

  test('finds a program below a directory with the version in its name', () => {
    expect(from(file('demo-1.2-linux/bin/demo'))).toEqual({ 'bin/demo': 'demo-1.2-linux/bin/demo' });
  });

  test('refuses to guess between two', () => {
    expect(() => from(file('a/bin/demo'), file('b/bin/demo'))).toThrow(/several files/);
  });

  test('names what is missing', () => {
    expect(() => from(file('usr/bin/other'))).toThrow(/demo\.tar has no demo/);
  });

  test.each([
    ['a relative link', [link('usr/bin/demo', '../sbin/demo'), file('usr/sbin/demo')], 'usr/sbin/demo'],
    [
      'an absolute link, seen from the source’s root',
      [link('usr/bin/demo', '/opt/demo'), file('opt/demo')],
      'opt/demo',
    ],
    ['a linked directory', [link('usr/bin', '../opt'), file('opt/demo')], 'opt/demo'],
    [
      'a hard link',
      [{ ...file('usr/bin/demo'), type: 'hardlink' as const, target: 'opt/demo' }, file('opt/demo')],
      'opt/demo',
    ],
  ])('follows %s inside the source', (_what, entries, expected) => {
    expect(from(...entries)).toEqual({ 'bin/demo': expected });
  });

  test('never follows a link out of the source', () => {
    expect(() => from(link('usr/bin/demo', '../../../etc/passwd'))).toThrow(/points out of/);
  });

  test('ends a loop of links', () => {
    expect(() => from(link('usr/bin/demo', 'other'), link('usr/bin/other', 'demo'))).toThrow(/loop of links/);
  });

  test.each([
    ['setuid', file('usr/bin/demo', 0o4755), /setuid/],
    ['setgid', file('usr/bin/demo', 0o2755), /setgid/],
    ['a device', { ...file('usr/bin/demo'), type: 'other' as const }, /not a plain file/],
    ['a directory', { ...file('usr/bin/demo'), type: 'directory' as const }, /not a plain file/],
    ['empty', { ...file('usr/bin/demo'), size: 0 }, /empty/],
    ['too large', { ...file('usr/bin/demo'), size: 2 ** 31 }, /larger than/],
  ])('refuses a program that is %s', (_what, entry, message) => {
    expect(() => from(entry)).toThrow(message);
  });

  test('a tree is taken whole, with the links that stay inside it', () => {
    const tree = [file('usr/lib/demo/a', 0o644), file('usr/lib/demo/sub/b'), link('usr/lib/demo/c', 'sub/b')];
    expect(from(file('demo'), ...tree)).toEqual({
      'bin/demo': 'demo',
      'lib/demo/a': 'usr/lib/demo/a',
      'lib/demo/c': '-> sub/b',
      'lib/demo/sub/b': 'usr/lib/demo/sub/b',
    });
  });

  test.each(['../../../etc/passwd', '/etc/passwd', '../x', 'sub/../../y'])(
    'a tree with a link to %s is refused',
    (target) => {
      expect(() => from(file('demo'), file('usr/lib/demo/a'), link('usr/lib/demo/c', target))).toThrow(/points out of/);
    },
  );

  test('a name with a line break cannot get into MANIFEST', () => {
    expect(() => from(file('demo'), file('usr/lib/demo/a\nb'))).toThrow(/cannot be packed/);
  });
});

describe('names of members', () => {
  test.each(['/etc/passwd', '../x', 'a/../../x', 'a/..', 'x\0y'])('%j is refused', (name) => {
    expect(() => normaliseName(name, 'x.tar')).toThrow(/x\.tar holds/);
  });

  test('whatever is accepted stays below the root', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('.', '..', '', 'a', 'b c', '...', '\u202e')), (parts) => {
        let name: string;
        try {
          name = normaliseName(parts.join('/'), 'x');
        } catch {
          return;
        }
        expect(name.startsWith('/') || name.split('/').includes('..')).toBe(false);
      }),
    );
  });
});
