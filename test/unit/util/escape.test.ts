import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeForTerminal, oneLine } from '../../../src/util/escape.js';

describe('text for the terminal', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
    ['\u009b2J', '\\x9b2J'],
    ['a\rb\bc\u0000', 'a\\x0db\\x08c\\x00'],
    ['user\u202egpj.exe', 'user\\u{202e}gpj.exe'],
    ['\u2066hidden\u2069', '\\u{2066}hidden\\u{2069}'],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
    ['\ud800 alone', '\\u{d800} alone'],
    ['Grüße, 東京, 👩‍🔧', 'Grüße, 東京, 👩‍🔧'],
  ])('shows %j as %j', (text, shown) => {
    expect(escapeForTerminal(text)).toBe(shown);
  });

  it('keeps line breaks and tabs only when asked', () => {
    expect(escapeForTerminal('a\n\tb')).toBe('a\\x0a\\x09b');
    expect(escapeForTerminal('a\n\tb\r', { keepNewlines: true })).toBe('a\n\tb\\x0d');
  });

  it('lets no control character through, whatever comes in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeForTerminal(text)).not.toMatch(/[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });

  it('takes the first line that says something, and cuts it', () => {
    expect(oneLine('\n  \n warning: x \nmore')).toBe('warning: x');
    expect(oneLine('x'.repeat(400))).toHaveLength(300);
  });
});
