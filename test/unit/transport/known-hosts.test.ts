import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withPins } from '../../../src/transport/known-hosts/edit.js';
import { namesMatch, parseKnownHosts } from '../../../src/transport/known-hosts/parse.js';
import { judgeHostKey, pinsFor } from '../../../src/transport/known-hosts/pins.js';

const blob = (type: string, body = 'k'): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type), Buffer.from(body)]);
};
const line = (names: string, type = 'ssh-ed25519', body = 'k'): string =>
  `${names} ${type} ${blob(type, body).toString('base64')}`;
const hashed = (name: string): string => {
  const salt = Buffer.from('0123456789abcdefghij');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
};
const pinned = (text: string, node: string): string[] =>
  pinsFor(parseKnownHosts(text), node).keys.map(({ type }) => type);

describe('a known_hosts file', () => {
  it.each([
    ['a plain name', 'n1', 'n1', true],
    ['a name in a list', 'a,n1,b', 'n1', true],
    ['another name', 'n11', 'n1', false],
    ['a name in other case', 'N1', 'n1', true],
    ['a star', 'edge-*', 'edge-004', true],
    ['a question mark', 'edge-00?', 'edge-004', true],
    ['a dot, which is only a dot', 'a.c', 'abc', false],
    ['an exclusion', '*,!n1', 'n1', false],
    ['an exclusion of another', '*,!n2', 'n1', true],
    ['only an exclusion', '!n2', 'n1', false],
    ['a hashed name', hashed('n1'), 'n1', true],
    ['a hashed other name', hashed('n2'), 'n1', false],
    ['a hash of an unknown kind', hashed('n1').replace('|1|', '|2|'), 'n1', false],
  ])('matches %s', (_what, names, name, matches) => {
    expect(namesMatch(names, name)).toBe(matches);
  });

  it('reads every key type, and skips comments, blank and damaged lines', () => {
    const types = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa', 'sk-ssh-ed25519@openssh.com'];
    const text = [
      '# a comment',
      '',
      ...types.map((type) => line('n1', type)),
      'n1 ssh-ed25519',
      'n1 ssh-ed25519 !!!',
      '',
    ].join('\n');
    expect(pinned(text, 'n1')).toEqual(types);
  });

  it('does not believe a line whose type is not the one inside its key', () => {
    expect(pinned(`n1 ssh-rsa ${blob('ssh-ed25519').toString('base64')}`, 'n1')).toEqual([]);
  });

  it('reads files with Windows line ends', () => {
    expect(pinned(`${line('n1')}\r\n${line('n2')}\r\n`, 'n1')).toEqual(['ssh-ed25519']);
  });

  it('never throws, and pinning a node’s keys leaves the lines of all others byte for byte', () => {
    const anyLine = fc.oneof(
      fc.string({ unit: 'grapheme' }).filter((text) => !/[\n\r]/u.test(text) && !/(^|[\s,@])n1([\s,]|$)/iu.test(text)),
      fc.constantFrom(
        '# n1',
        line('n2'),
        `@revoked ${line('n1')}`,
        `@cert-authority ${line('n1')}`,
        line('n*'),
        line(hashed('n2')),
      ),
    );
    fc.assert(
      fc.property(fc.array(anyLine), (lines) => {
        const text = lines.map((each) => `${each}\n`).join('');
        const written = withPins(text, 'n1', [{ type: 'ssh-ed25519', key: blob('ssh-ed25519').toString('base64') }]);
        expect(written).toBe(`${text}${line('n1')}\n`);
      }),
    );
  });

  it('replaces a node’s keys wherever they stand: alone, in a list, hashed', () => {
    const text = [
      '# top',
      line('n1', 'ssh-ed25519', 'old'),
      `${line('n2,n1,n3')} why`,
      line(hashed('n1')),
      line('n4'),
    ].join('\n');
    const written = withPins(text, 'n1', [{ type: 'ssh-rsa', key: blob('ssh-rsa').toString('base64') }]);
    expect(written).toBe(['# top', `${line('n2,n3')} why`, line('n4'), line('n1', 'ssh-rsa'), ''].join('\n'));
  });
});

describe('the verdict on a host key', () => {
  const judge = (text: string, offered: Buffer) => judgeHostKey(pinsFor(parseKnownHosts(text), 'n1'), 'n1', offered);

  it('accepts exactly the pinned keys', () => {
    const text = `${line('n1', 'ssh-ed25519', 'a')}\n${line('n1', 'ssh-rsa', 'b')}\n`;
    expect(judge(text, blob('ssh-rsa', 'b'))).toEqual({ ok: true });
    expect(judge(text, blob('ssh-rsa', 'a'))).toMatchObject({ ok: false, kind: 'host-key-changed' });
  });

  it('is unknown without a pin, and refuses a revoked key before anything else', () => {
    expect(judge('', blob('ssh-ed25519'))).toMatchObject({ kind: 'host-key-unknown', pinned: [] });
    const both = `${line('n1')}\n@revoked ${line('*')}\n`;
    expect(judge(both, blob('ssh-ed25519'))).toMatchObject({ kind: 'host-key-changed' });
  });

  it('accepts only the key itself, whatever bytes are offered', () => {
    const text = `${line('n1')}\n`;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const offered = Buffer.from(bytes);
        expect(judge(text, offered).ok).toBe(offered.equals(blob('ssh-ed25519')));
      }),
    );
  });
});
