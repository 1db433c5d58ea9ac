import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EdgectlError } from '../../../src/errors/error.js';
import { selectNodes } from '../../../src/fleet/select-nodes.js';
import { parseSelector } from '../../../src/fleet/selector.js';
import type { FleetNode } from '../../../src/fleet/types.js';
import { foldNames } from '../../../src/plan/ranges.js';

function node(id: string, extra: Partial<FleetNode> = {}): FleetNode {
  return {
    id,
    address: `${id}.example.org`,
    port: 22,
    user: 'edgectl',
    identity: [],
    site: 'berlin',
    region: 'emea',
    labels: {},
    via: [],
    transport: 'ssh',
    groups: [],
    wariness: 0,
    state: 'in-service',
    ...extra,
  };
}

const nodes = [
  node('pos-001', { labels: { role: 'pos', shop: '017' } }),
  node('pos-002', { labels: { role: 'pos' }, site: 'lyon' }),
  node('pos-010', { labels: { role: 'pos', 'a/b': 'x y' }, site: 'osaka', region: 'apac' }),
  node('gw-berlin', { labels: { role: 'gateway' }, state: 'drained' }),
  node('old', { state: 'retired' }),
];

function select(text: string): string {
  return selectNodes({ nodes }, text)
    .map((found) => found.id)
    .join(' ');
}

describe('a selector', () => {
  it.each([
    ['', 'pos-001 pos-002 pos-010 gw-berlin'],
    ['all', 'pos-001 pos-002 pos-010 gw-berlin'],
    ['pos-001', 'pos-001'],
    ['pos-*', 'pos-001 pos-002 pos-010'],
    ['pos-00?', 'pos-001 pos-002'],
    ['pos-[001-002]', 'pos-001 pos-002'],
    ['pos-[1-2]', ''],
    ['pos-[002,010]', 'pos-002 pos-010'],
    ['pos-0[01-09]', 'pos-001 pos-002'],
    ['[gw-berlin,pos-001]', 'pos-001 gw-berlin'],
    ['pos-001,pos-002', 'pos-001 pos-002'],
    ['pos-001 or gw-*', 'pos-001 gw-berlin'],
    ['site=berlin', 'pos-001 gw-berlin'],
    ['site == berlin', 'pos-001 gw-berlin'],
    ['site!=berlin', 'pos-002 pos-010'],
    ['site=[berlin,lyon]', 'pos-001 pos-002 gw-berlin'],
    ['region=emea and role=pos', 'pos-001 pos-002'],
    ['label.role=pos', 'pos-001 pos-002 pos-010'],
    ['shop=*', 'pos-001'],
    ['shop!=017', 'pos-002 pos-010 gw-berlin'],
    ['a/b="x y"', 'pos-010'],
    ['site in (lyon, osaka)', 'pos-002 pos-010'],
    ['site not in (lyon,osaka)', 'pos-001 gw-berlin'],
    ['not role=pos', 'gw-berlin'],
    ['!role=pos', 'gw-berlin'],
    ['not (site=lyon or site=osaka) and pos-*', 'pos-001'],
    ['site=lyon or site=berlin and role=gateway', 'pos-002 gw-berlin'],
    ['state=drained', 'gw-berlin'],
    ['state in (retired, drained)', 'gw-berlin old'],
    ['name=old', ''],
    ['not state=in-service and old', 'old'],
    ['site=and', ''],
  ])('%s', (text, expected) => {
    expect(select(text)).toBe(expected);
  });

  it('knows a word for a built-in thing from a label of that name', () => {
    const labelled = [node('a', { labels: { site: 'x' } }), node('b', { site: 'x' })];
    expect(selectNodes({ nodes: labelled }, 'site=x').map(({ id }) => id)).toEqual(['b']);
    expect(selectNodes({ nodes: labelled }, 'label.site=x').map(({ id }) => id)).toEqual(['a']);
  });

  it('does not find labels that objects inherit', () => {
    expect(select('constructor=*')).toBe('');
  });

  it('refuses a name that the fleet does not have, and says which was meant', () => {
    expect(() => select('pos-001,pos-003x')).toThrow(expect.objectContaining({ code: 'NODE_NOT_FOUND' }));
    expect(() => select('gw-berln')).toThrow('The fleet has no node “gw-berln”; did you mean “gw-berlin”?');
  });

  it.each([
    ['site=', 5, 'expected a value, found the end'],
    ['site=berlin pos', 12, 'expected “and”, “or”, “,” or the end, found “pos”'],
    ['(pos-*', 6, 'expected “)”, found the end'],
    ['pos-*)', 5, 'expected “and”, “or”, “,” or the end, found “)”'],
    ['a and', 5, 'expected a name, key=value, “not” or “(”, found the end'],
    ['and a', 0, 'expected a name, key=value, “not” or “(”, found “and”'],
    ['a,,b', 2, 'expected a name, key=value, “not” or “(”, found “,”'],
    ['site in berlin', 8, 'expected “(” after “in”, found “berlin”'],
    ['site in (a b)', 11, 'expected “,” or “)”, found “b”'],
    ['pos-[001-', 4, '“[” is not closed'],
    ['pos-[010-001]', 5, 'the range 010-001 runs backwards'],
    ['pos-[01-001]', 5, 'both ends of a range need the same number of digits'],
    ['a and pos-[1,$]', 13, 'cannot read “$” in a range'],
    ['pos-[1-2][3-4]', 9, 'two ranges need something between them'],
    ['a]', 1, '“]” without “[”'],
    ['a & b', 2, '“&” has no meaning here'],
    ['a="b', 2, 'the quotation mark is not closed'],
    ['pos-*=b', 0, '“pos-*” cannot be a key'],
    [`${'('.repeat(101)}a`, 100, 'it is nested too deeply'],
  ])('that is wrong points at the character: %s', (text, offset, message) => {
    let thrown: unknown;
    try {
      parseSelector(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(EdgectlError);
    const error = thrown as EdgectlError;
    expect(error.message).toBe(`The selector cannot be read: ${message}`);
    expect(error.data['offset']).toBe(offset);
    expect(error.lines[1]).toBe(`  ${' '.repeat(offset)}^`);
  });

  it('is read or refused, whatever it is', () => {
    const piece = fc.constantFrom(
      'a',
      'b-',
      '[',
      ']',
      '1-3',
      '001',
      ',',
      '(',
      ')',
      'and',
      ' or ',
      'not ',
      'in',
      '=',
      '!=',
      '!',
      '*',
      '"',
      ' ',
      'é',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
        try {
          parseSelector(pieces.join(''));
        } catch (error) {
          expect(error).toMatchObject({ code: 'SELECTOR_INVALID' });
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe('folded names', () => {
  it.each([
    [['edge-001', 'edge-002', 'edge-003'], 'edge-[001-003]'],
    [['edge-3', 'edge-1', 'edge-2', 'edge-2'], 'edge-[1-3]'],
    [['edge-001', 'edge-002', 'edge-007'], 'edge-[001,002,007]'],
    [['edge-9', 'edge-10', 'edge-11'], 'edge-[9-11]'],
    [['edge-099', 'edge-100'], 'edge-[099,100]'],
    [['gw-lyon', 'pos-1', 'b'], 'b, gw-lyon, pos-1'],
    [['a-1', 'a-01'], 'a-01, a-1'],
    [[], ''],
  ])('%j are %s', (ids, expected) => {
    expect(foldNames(ids)).toBe(expected);
  });

  it('select the very same nodes when they are read as a selector', () => {
    const prefix = fc.constantFrom('', 'a', 'pos-', 'x1-', 'b.');
    const digits = fc.oneof(
      fc.integer({ min: 0, max: 30 }).map(String),
      fc.integer({ min: 0, max: 120 }).map((value) => String(value).padStart(3, '0')),
      fc.constantFrom('0', '00', '08', '123456789', '1234567890123'),
    );
    const id = fc.tuple(prefix, digits, fc.constantFrom('', '', '', 'z')).map((parts) => parts.join(''));
    const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(ids, fc.array(id), (chosen, others) => {
        const all = [...new Set([...chosen, ...others])].map((name) => node(name));
        const found = selectNodes({ nodes: all }, foldNames(chosen));
        expect(found.map((each) => each.id).sort()).toEqual([...chosen].sort());
      }),
      { numRuns: 2000 },
    );
  });
});
