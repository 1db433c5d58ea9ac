import ssh2 from 'ssh2';
import { describe, expect, it } from 'vitest';
import { makeKeyPair } from '../../../src/lab/key-pair.js';

describe('makeKeyPair', () => {
  it('never makes a pair that cannot be read again', () => {
    // One in 256 would be: with 1,500 the chance that none of them is met is below 0.3 %.
    const unreadable = Array.from({ length: 1500 }, () => makeKeyPair()).filter(
      (pair) => ssh2.utils.parseKey(pair.private) instanceof Error || ssh2.utils.parseKey(pair.public) instanceof Error,
    );
    expect(unreadable).toEqual([]);
  });
});
