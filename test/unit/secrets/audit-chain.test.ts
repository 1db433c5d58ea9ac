import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { followChain } from '../../../src/secrets/audit-chain.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A file of so many lines. */
function chain(length: number): string[] {
  const lines: string[] = [];
  for (let n = 0; n < length; n += 1) {
    const last = lines.at(-1);
    lines.push(JSON.stringify({ what: 'staged', n, prev: last === undefined ? 'none' : sha256(last) }));
  }
  return lines;
}

describe('a chain of audit lines', () => {
  it('is followed to its end, and goes on from what was seen', () => {
    const lines = chain(5);
    const seen = followChain(lines.slice(0, 3));
    expect(seen).toEqual({ lines: 3, head: sha256(lines[2] ?? '') });
    expect(followChain(lines, seen)).toEqual({ lines: 5, head: sha256(lines[4] ?? '') });
    expect(followChain([])).toEqual({ lines: 0, head: '' });
  });

  it('is broken by a line that was changed, left out or put in', () => {
    const lines = chain(5);
    const changed = lines.map((line, n) => (n === 2 ? line.replace('staged', 'stolen') : line));
    expect(followChain(changed).fault).toContain('line 4');
    expect(followChain([...lines.slice(0, 2), ...lines.slice(3)]).fault).toContain('line 3');
    expect(followChain([...lines.slice(0, 2), 'not JSON', ...lines.slice(2)]).fault).toContain('line 3');
    expect(followChain(lines.slice(1)).fault).toContain('line 1');
  });

  it('is not the one that was seen when its end was cut, or all of it was written anew', () => {
    const lines = chain(5);
    const seen = followChain(lines);
    expect(followChain(lines.slice(0, 4), seen).fault).toContain('had 5');
    const anew = chain(6).map((line) => line);
    const other = [JSON.stringify({ what: 'nothing', prev: 'none' })];
    for (let n = 1; n < anew.length; n += 1) other.push(JSON.stringify({ n, prev: sha256(other[n - 1] ?? '') }));
    expect(followChain(other, seen).fault).toContain('line 5 was another one');
  });
});
