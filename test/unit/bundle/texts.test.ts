import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ManifestEntry } from '../../../src/bundle/manifest.js';
import { parseManifest, renderManifest } from '../../../src/bundle/manifest.js';
import { parseStatement, renderStatement } from '../../../src/bundle/statement.js';

const hex64 = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
const version = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9.+~_-]{0,63}$/);
const statement = fc.record({
  component: fc.stringMatching(/^[a-z][a-z0-9-]{0,39}$/),
  version,
  arch: fc.constantFrom('amd64', 'arm64', 'arm', 'riscv64', 'all'),
  digest: hex64,
  size: fc.nat(),
  series: fc.integer({ min: 0, max: 9_999_999_999_999 }),
});
const example = { component: 'runc', version: '1.3.6', arch: 'amd64', digest: 'a'.repeat(64), size: 5, series: 7 };

describe('a bundle statement', () => {
  test('reads back as what was written', () => {
    fc.assert(
      fc.property(statement, (each) => {
        expect(parseStatement(renderStatement(each))).toEqual(each);
      }),
    );
  });

  test('is the text of the protocol page', () => {
    expect(renderStatement(example)).toBe(
      `arch=amd64\ncomponent=runc\nedgectl-bundle=1\nseries=7\nsha256=${'a'.repeat(64)}\nsize=5\nversion=1.3.6\n`,
    );
  });

  test('any other text, however near, is refused', () => {
    const text = renderStatement(example);
    const edits = [
      text.replace('\n', '\r\n'),
      `${text}\n`,
      text.slice(0, -1),
      `${text}extra=1\n`,
      text.replace('size=5', 'size=05'),
      text.replace('size=5', 'size=-5'),
      text.replace('version=1.3.6', 'version=../../etc'),
      text.replace('arch=amd64\ncomponent=runc', 'component=runc\narch=amd64'),
      text.replace('arch=amd64', 'arch=amd64\narch=amd64'),
      text.replace('component=runc', 'component=runc '),
      text.replace('edgectl-bundle=1', 'edgectl-bundle=2'),
      '',
    ];
    for (const edit of edits) expect(() => parseStatement(edit), JSON.stringify(edit)).toThrow(/statement/);
  });

  test('never crashes on text that is no statement', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => parseStatement(text)).toThrow(/statement cannot be read/);
      }),
    );
  });
});

const path = fc
  .array(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._+-]{0,8}$/), { minLength: 1, maxLength: 4 })
  .map((parts) => `files/${parts.join('/')}`);
const entries = fc.uniqueArray(
  fc.oneof(
    fc.record({ type: fc.constant('file' as const), path, sha256: hex64, mode: fc.constantFrom(0o644, 0o755) }),
    fc.record({ type: fc.constant('link' as const), path, target: fc.constantFrom('x', '../y') }),
  ),
  { selector: (entry) => entry.path },
);

describe('MANIFEST', () => {
  test('reads back as what was written, sorted by path', () => {
    const sorted = (list: readonly ManifestEntry[]): ManifestEntry[] =>
      [...list].sort((a, b) => (a.path < b.path ? -1 : 1));
    fc.assert(
      fc.property(entries, (list) => {
        fc.pre(list.length > 0);
        expect(parseManifest(renderManifest(list))).toEqual(sorted(list));
      }),
    );
  });

  test.each([
    ['cut off', `${'a'.repeat(64)} 755 files/x`],
    ['a path that climbs', `${'a'.repeat(64)} 755 files/../x\n`],
    ['an absolute path', `${'a'.repeat(64)} 755 /etc/passwd\n`],
    ['a setuid mode', `${'a'.repeat(64)} 4755 files/x\n`],
    ['a digest that is none', `${'g'.repeat(64)} 755 files/x\n`],
    ['itself', `${'a'.repeat(64)} 644 MANIFEST\n`],
    ['unsorted lines', `${'a'.repeat(64)} 755 files/b\n${'a'.repeat(64)} 755 files/a\n`],
    ['a path twice', `${'a'.repeat(64)} 755 files/a\n${'a'.repeat(64)} 755 files/a\n`],
    ['nothing', ''],
  ])('with %s is refused', (_what, text) => {
    expect(() => parseManifest(text)).toThrow(/MANIFEST/);
  });
});
