import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitShellWords } from '../../../src/lab/shell-words.js';
import { quoteArgv } from '../../../src/transport/quote.js';

describe('an argv as a shell command line', () => {
  it('is split into the same words again', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: 'grapheme' }).filter((word) => !word.includes('\0')),
          { minLength: 1 },
        ),
        (argv) => {
          expect(splitShellWords(quoteArgv(argv))).toEqual(argv);
        },
      ),
    );
  });

  it('leaves harmless words as they are and quotes what could be an assignment', () => {
    expect(quoteArgv(['sudo', '-n', '/usr/local/sbin/edgectl-node', 'hello'])).toBe(
      'sudo -n /usr/local/sbin/edgectl-node hello',
    );
    expect(quoteArgv(['PATH=x', ''])).toBe("'PATH=x' ''");
  });

  it('cannot hold a NUL character', () => {
    expect(() => quoteArgv(['a\0b'])).toThrow(RangeError);
  });
});
