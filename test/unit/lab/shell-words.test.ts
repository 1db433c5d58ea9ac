import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitShellWords } from '../../../src/lab/shell-words.js';

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

describe('splitShellWords', () => {
  it.each([
    ['uname -a', ['uname', '-a']],
    ["'a b'c", ['a bc']],
    [`"a 'b' \\" c"`, [`a 'b' " c`]],
    ['a\\ b', ['a b']],
    ["x ''", ['x', '']],
    ['  ', []],
  ])('splits %s', (line, words) => {
    expect(splitShellWords(line)).toEqual(words);
  });

  it.each([
    'a; b',
    'a | b',
    'a && b',
    '$HOME',
    '"$HOME"',
    '`id`',
    'a > b',
    "'open",
    '"open',
    'a\\',
    '# x',
    'a\nb',
    '*',
  ])('leaves %j to a shell', (line) => {
    expect(splitShellWords(line)).toBeUndefined();
  });

  it('gives back whatever words were single-quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(splitShellWords(words.map(quote).join(' '))).toEqual(words);
      }),
    );
  });
});
