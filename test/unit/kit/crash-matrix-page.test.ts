import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import type { CrashRow, NamedTest } from '../../helpers/crash-rows.js';
import { crashPage, crashRows } from '../../helpers/crash-rows.js';

const tests = fileURLToPath(new URL('../../', import.meta.url));
const page = fileURLToPath(new URL('../../../docs/concepts/crash-matrix.md', import.meta.url));

/** Titles of the tests in a file: whatever is called `it…` or `on…` with a text first, and is neither skipped nor to be done. */
function titlesIn(text: string): Set<string> {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const called = node.expression.getText(source).split('(')[0] ?? '';
      const title = node.arguments[0] && titleOf(node.arguments[0]);
      if (title !== undefined && /^(it|on[A-Z]\w*)\b/.test(called) && !/\.(skip|todo)\b/.test(called)) found.add(title);
    }
    ts.forEachChild(node, visit);
  };
  const source = ts.createSourceFile('tests.ts', text, ts.ScriptTarget.Latest, true);
  visit(source);
  return found;
}

function titleOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map((span) => `\${…}${span.literal.text}`).join('');
}

function missing(rows: readonly CrashRow[]): NamedTest[] {
  const named = rows.flatMap(({ sandbox, machine, image }) =>
    [sandbox, machine, image].flatMap((cell) => (typeof cell === 'string' ? [] : [...cell])),
  );
  const titles = new Map<string, Set<string>>();
  return named.filter(([file, title]) => {
    if (!titles.has(file)) titles.set(file, titlesIn(readFileSync(`${tests}${file}`, 'utf8')));
    return titles.get(file)?.has(title) !== true;
  });
}

describe('the page of the crash matrix', () => {
  it('has the twenty-six rows, each shown somewhere', () => {
    expect(crashRows.map(({ row }) => row)).toEqual(Array.from({ length: 26 }, (_, index) => index + 1));
    for (const { row, sandbox, machine, image } of crashRows)
      expect(
        [sandbox, machine, image].some((cell) => typeof cell !== 'string' && cell.length > 0),
        `row ${row}`,
      ).toBe(true);
  });

  it('names tests that stand in their files and are switched on', () => {
    expect(missing(crashRows)).toEqual([]);
  });

  it('would notice a test that is not there, or is skipped', () => {
    const [first] = crashRows;
    const row = {
      ...(first as CrashRow),
      sandbox: [['unit/kit/kit-build.test.ts', 'does what nobody wrote']] as const,
    };
    expect(missing([row])).toEqual(row.sandbox);
    expect([...titlesIn("it.skip('a', f); it.todo('b'); it('c', f); it.concurrent.each([1])('d', f);")]).toEqual([
      'c',
      'd',
    ]);
  });

  it('is fresh (npx vitest run -u test/unit/kit/crash-matrix-page.test.ts writes it)', async () => {
    await expect(crashPage(crashRows)).toMatchFileSnapshot(page);
  });
});
