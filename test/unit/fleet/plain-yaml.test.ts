import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPlainYaml } from '../../../src/fleet/plain-yaml.js';
import { readYaml } from '../../../src/fleet/yaml-source.js';

/** What the two readers make of a text: the quick one may decline, never differ. */
function compare(text: string): 'same' | 'declined' {
  const quick = readPlainYaml(text);
  if (quick === undefined) return 'declined';
  const real = readYaml('x.yaml', text);
  expect(real.problems, text).toEqual([]);
  expect(quick.value, text).toEqual(real.value);
  return 'same';
}

describe('the quick YAML reader', () => {
  it.each([
    ['an empty file', ''],
    ['comments only', '# a\n\n  # b\n'],
    ['block maps', 'a: 1\nb:\n  c: d e\n  f:\n    g: h\ni: j # end\n'],
    ['a list under a key at the key’s own indent', 'a:\n- b\n- c\nd: e\n'],
    ['a list of maps', '- a: 1\n  b: 2\n-   c: 3\n    d:\n      e: 4\n- f\n'],
    ['flow collections', 'a: { b: c, d: [e, "f g", \'h\'], i: {} }\nj: []\nk: [x, ]\n'],
    ['quoted keys and values', '"a b": "c # d"\n\'e\': \'f: g\'\n'],
    ['urls and times', 'a: https://x.example.org/y\nb: 1h30m\nc: user@host\n'],
    ['nothing as a value', 'a:\nb: # nothing\nc:\n  d:\ne: 1\n'],
    ['umlauts in a comment', '# Größe\na: b\n'],
  ])('reads %s as the real parser does', (_name, text) => {
    expect(compare(text)).toBe('same');
  });

  it.each([
    ['anchors', 'a: &x 1\nb: *x\n'],
    ['tags', 'a: !!int 1\n'],
    ['block scalars', 'a: |\n  b\n'],
    ['folded plain scalars', 'a: b\n  c\n'],
    ['escapes', 'a: "b\\n"\n'],
    ['doubled quotes', "a: 'b''c'\n"],
    ['several documents', 'a: b\n---\nc: d\n'],
    ['flow collections over several lines', 'a: { b: c,\n  d: e }\n'],
    ['duplicate keys', 'a: 1\na: 2\n'],
    ['tabs', 'a:\tb\n'],
    ['a colon inside a value', 'a: b: c\n'],
    ['lists in lists', '- - a\n'],
    ['merge keys of a prototype', '__proto__: a\n'],
    ['question marks', '? a\n: b\n'],
    ['carriage returns', 'a: b\r\nc: d\r\n'],
    ['a scalar that is indented too far', 'a: 1\n  b: 2\n'],
    ['a scalar that is indented too little', '  a: 1\nb: 2\n'],
    ['flow maps without values', 'a: { b }\n'],
    ['an unclosed quote', 'a: "b\n'],
  ])('leaves %s to the real parser', (_name, text) => {
    expect(compare(text)).toBe('declined');
  });

  it('never differs from the real parser on texts made of YAML’s own pieces', () => {
    const piece = fc.constantFrom(
      'a', 'b', 'c1', ': ', ':', ' ', '  ', '\n', '\n  ', '\n    ', '- ', '-', '{ ', ' }', '{', '}', '[', ']', ', ', ',', '#', ' # x', '"', "'",
      'a: ', 'b: ', '\nc: ', '\n- ', '~', '1.10', '.', '/', '@', '|', '>', '&a ', '*a', '!', '%', '?', '? ', '---', '\n---\n', 'null', '<<: ', '=', '+', '\t', '\r', 'http://x', 'ü',
    ); // prettier-ignore
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
        const text = pieces.join('');
        const quick = readPlainYaml(text);
        if (quick === undefined) return true;
        const real = readYaml('x.yaml', text);
        return real.problems.length === 0 && JSON.stringify(real.value) === JSON.stringify(quick.value);
      }),
      { numRuns: 30_000 },
    );
  });
});
