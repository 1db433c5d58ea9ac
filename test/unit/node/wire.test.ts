import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRequest, encodeValue, maxLine, parseAnswer } from '../../../src/node/wire.js';

const decode = (text: string): string =>
  Buffer.from(
    text.replace(/%([0-9A-F]{2})/gu, (_m, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');

describe('requests', () => {
  it('encodes every byte outside the protocol’s set, and decoding gives the value back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const encoded = encodeValue(value);
        expect(encoded).toMatch(/^(?:[A-Za-z0-9._~/:@,+ -]|%[0-9A-F]{2})*$/u);
        expect(decode(encoded)).toBe(Buffer.from(value, 'utf8').toString('utf8'));
      }),
    );
  });

  it('ends with a line that holds a dot, also when there are no fields', () => {
    expect(encodeRequest({}).toString()).toBe('.\n');
    expect(encodeRequest({ op: 'slice', slice: 'a=1\nb=2\n' }).toString()).toBe(
      'op=slice\nslice=a%3D1%0Ab%3D2%0A\n.\n',
    );
  });

  it('refuses keys and sizes that the protocol does not have', () => {
    expect(() => encodeRequest({ 'a=b': '1' })).toThrow(RangeError);
    expect(() => encodeRequest({ a: 'x\0' })).toThrow(RangeError);
    expect(() => encodeRequest({ a: 'x'.repeat(256 * 1024) })).toThrow(/256 KiB/u);
  });
});

const answer = (...lines: unknown[]): Buffer =>
  Buffer.from(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
const end = { t: 'end', ok: true };

describe('answers', () => {
  it('gives the lines before the end line', () => {
    expect(parseAnswer(answer({ t: 'fact', name: 'os', value: 'debian' }, end))).toEqual({
      valid: true,
      ok: true,
      lines: [{ t: 'fact', name: 'os', value: 'debian' }],
    });
  });

  it('gives code and reason of a refusal', () => {
    expect(parseAnswer(answer({ t: 'end', ok: false, code: 'BAD_PROOF', reason: 'not in the tree' }))).toMatchObject({
      valid: true,
      ok: false,
      code: 'BAD_PROOF',
      reason: 'not in the tree',
    });
  });

  it('makes every string in it safe to print', () => {
    const parsed = parseAnswer(answer({ t: 'tx', log: 'a\n\u001b[2Jb', inner: { name: ['\u202egnp'] } }, end));
    expect(parsed).toMatchObject({ lines: [{ log: 'a\n\\x1b[2Jb', inner: { name: ['\\u{202e}gnp'] } }] });
  });

  it.each([
    ['nothing', Buffer.alloc(0), /no answer/u],
    ['no end line', answer({ t: 'a' }), /no end line/u],
    ['a cut last line', Buffer.from('{"t":"end","ok":true}'), /cut off/u],
    ['text that is not JSON', answer('Welcome to Debian', end), /not a line of the protocol: Welcome/u],
    ['JSON that is not an object', answer('[]', end), /not a line/u],
    ['an object without a type', answer({ a: 1 }, end), /not a line/u],
    ['output after the end', answer(end, { t: 'x' }), /after the end/u],
    ['two end lines', answer(end, end), /after the end/u],
    ['an end line that says nothing', answer({ t: 'end' }), /neither/u],
    ['a refusal with a code that is no code', answer({ t: 'end', ok: false, code: 'rm -rf' }), /neither/u],
    ['a line over 64 KiB', answer({ t: 'a', x: 'y'.repeat(maxLine) }, end), /64 KiB/u],
    ['an answer over 1 MiB', Buffer.alloc(1024 * 1024 + 1, 10), /1 MiB/u],
    ['deep nesting', answer('['.repeat(60_000), end), /not a line/u],
  ])('is a protocol error with %s', (_name, bytes, why) => {
    const parsed = parseAnswer(bytes);
    expect(parsed.valid).toBe(false);
    expect(!parsed.valid && parsed.why).toMatch(why);
  });

  it('never throws, whatever a node sends', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(parseAnswer(Buffer.from([...bytes, 10])).valid).toBe(false);
      }),
    );
  });
});
