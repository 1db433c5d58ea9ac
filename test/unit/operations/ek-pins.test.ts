import { describe, expect, it } from 'vitest';

import { parseEkPins } from '../../../src/operations/secrets/node-class.js';

const hash = 'Ab'.repeat(32);

describe('a list of expected endorsement keys', () => {
  it('is lines of a node and a hash; comments and blank lines are nothing', () => {
    const pins = parseEkPins(`# delivery note 4711\n\npos-001  ${hash}\npos-002\t${hash} # spare\n`, 'pins');
    expect([...pins]).toEqual([
      ['pos-001', hash.toLowerCase()],
      ['pos-002', hash.toLowerCase()],
    ]);
  });

  it.each([
    ['pos-001'],
    [`pos-001 ${hash}0`],
    [`pos-001 ${hash} x`],
    [`pos-001 ${hash}\npos-001 ${hash}`],
    ['pos-001 zz'],
  ])('is refused with its line: %s', (text) => {
    expect(() => parseEkPins(text, 'pins')).toThrow(/pins, line \d/);
  });
});
