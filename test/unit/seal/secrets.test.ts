import { PassThrough, Readable } from 'node:stream';
import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ageDecrypt, ageEncrypt, generateAgeIdentity, parseAgeRecipient } from '../../../src/seal/age.js';
import { maxSecret, readSecret } from '../../../src/seal/read-secret.js';
import { Sensitive } from '../../../src/seal/sensitive.js';
import { bitFlips } from '../../helpers/tpm-fixtures.js';

describe('a sensitive value', () => {
  const secret = new Sensitive('hunter2');

  it.each<[string, () => string]>([
    ['String()', () => String(secret)],
    ['a template', () => `${secret}`],
    ['concatenation', () => '' + (secret as unknown as string)],
    ['JSON', () => JSON.stringify({ secret, list: [secret] })],
    ['inspect', () => inspect({ secret }, { depth: 9, showHidden: true })],
    ['inspect without its own way', () => inspect(secret, { customInspect: false, showHidden: true })],
    ['format', () => format('%s %o %j', secret, secret, secret)],
    ['an error', () => inspect(new Error('x', { cause: secret }))],
    ['spreading', () => inspect({ ...secret })],
    ['its entries', () => JSON.stringify([Object.entries(secret), Object.getOwnPropertyNames(secret)])],
  ])('is not shown by %s', (_, show) => {
    expect(show()).not.toContain('hunter2');
  });

  it('is given by reveal alone', () => {
    expect(secret.reveal()).toBe('hunter2');
    expect(String(secret)).toBe('[sensitive]');
  });

  it('is overwritten when it is destroyed, and cannot be used after', () => {
    const bytes = Buffer.from('hunter2');
    const wiped = new Sensitive(bytes);
    wiped.destroy();
    expect(bytes).toEqual(Buffer.alloc(7));
    expect(() => wiped.reveal()).toThrow(/wiped/);
    wiped.destroy();
  });
});

describe('a secret on standard input', () => {
  const from = (...chunks: Uint8Array[]): Readable => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

  it('is taken byte for byte, however it is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1 }), { minLength: 1 }), async (chunks) => {
        const secret = await readSecret({ stream: from(...chunks) });
        expect(secret.reveal().equals(Buffer.concat(chunks))).toBe(true);
      }),
    );
  });

  it.each(['password\n', 'password\r\n', '\n', '\0', ' \t', 'ü', '-'])('keeps %j as it is', async (text) => {
    const secret = await readSecret({ stream: from(Buffer.from(text)) });
    expect(secret.reveal().toString()).toBe(text);
  });

  it('may be as large as the limit and not a byte larger', async () => {
    const secret = await readSecret({ stream: from(Buffer.alloc(maxSecret, 1)) });
    expect(secret.reveal().length).toBe(maxSecret);
    const tooLarge = from(Buffer.alloc(maxSecret, 1), Buffer.alloc(1));
    await expect(readSecret({ stream: tooLarge })).rejects.toMatchObject({ code: 'SECRET_INPUT' });
  });

  it('is refused when there is none, when it is typed, or when the stream breaks off', async () => {
    await expect(readSecret({ stream: Readable.from([]) })).rejects.toMatchObject({ code: 'SECRET_INPUT' });
    const terminal = Object.assign(new PassThrough(), { isTTY: true });
    await expect(readSecret({ stream: terminal })).rejects.toThrow(/terminal/);
    const broken = new PassThrough();
    const reading = readSecret({ stream: broken });
    broken.write('half of ');
    broken.destroy(new Error('EIO'));
    await expect(reading).rejects.toMatchObject({ code: 'SECRET_INPUT' });
    const closed = new PassThrough();
    const waiting = readSecret({ stream: closed });
    closed.destroy();
    await expect(waiting).rejects.toThrow(/broke off/);
  });

  it('can be waited for no longer than the person wants', async () => {
    const controller = new AbortController();
    const stream = new PassThrough();
    const reading = readSecret({ stream, signal: controller.signal });
    stream.write('half');
    controller.abort();
    await expect(reading).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(stream.listenerCount('data')).toBe(0);
    await expect(readSecret({ stream: from(Buffer.from('x')), signal: controller.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
  });

  it('leaves no copy in the pieces that it came in', async () => {
    const piece = Buffer.from('hunter2');
    await readSecret({ stream: Readable.from([piece]) });
    expect(piece).toEqual(Buffer.alloc(7));
    const refused = Buffer.from('hunter2');
    await expect(readSecret({ stream: Readable.from([refused]), limit: 3 })).rejects.toThrow(/larger than 3/);
    expect(refused).toEqual(Buffer.alloc(7));
  });
});

describe('age', () => {
  it('opens for each of its recipients and for nobody else', async () => {
    const [one, two, stranger] = await Promise.all([
      generateAgeIdentity(),
      generateAgeIdentity(),
      generateAgeIdentity(),
    ]);
    const secret = Buffer.from('a\0b\n');
    const ciphertext = await ageEncrypt([one.recipient, two.recipient, one.recipient], new Sensitive(secret));
    expect(ciphertext.toString('latin1').match(/^-> X25519/gm)).toHaveLength(2);
    for (const { identity } of [one, two]) expect((await ageDecrypt(identity, ciphertext)).reveal()).toEqual(secret);
    await expect(ageDecrypt(stranger.identity, ciphertext)).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' });
  });

  it('does not open with a bit of any byte of the ciphertext turned', { timeout: 60_000 }, async () => {
    const { identity, recipient } = await generateAgeIdentity();
    const ciphertext = await ageEncrypt([recipient], new Sensitive(Buffer.from('x')));
    for (const { bit, flipped } of bitFlips(ciphertext, 'one-a-byte')) {
      const code = await ageDecrypt(identity, flipped).then(
        () => 'opened',
        (error: { code?: string }) => error.code,
      );
      expect(code, `bit ${bit}`).toBe('SECRET_UNREADABLE');
    }
  });

  it('has identities that a TPM can seal, and shows them nowhere', async () => {
    const { identity } = await generateAgeIdentity();
    expect(identity.reveal()).toHaveLength(74);
    expect(inspect(identity)).toBe('[sensitive]');
  });

  it('takes only recipients whose checksum fits, and never repeats a private key', async () => {
    const { identity, recipient } = await generateAgeIdentity();
    expect(await parseAgeRecipient(recipient)).toBe(recipient);
    const typo = `${recipient.slice(0, -1)}${recipient.endsWith('q') ? 'p' : 'q'}`;
    for (const wrong of [
      typo,
      '',
      'age1',
      `${recipient} `,
      recipient.toUpperCase(),
      'ssh-ed25519 AAAA',
      'age1yubikey1qqq',
    ])
      await expect(parseAgeRecipient(wrong), wrong).rejects.toMatchObject({ code: 'RECIPIENT_INVALID' });
    const secret = identity.reveal().toString();
    const refusal = await parseAgeRecipient(secret).catch((error: Error) => inspect(error));
    expect(refusal).toContain('private key');
    expect(refusal).not.toContain(secret.slice(15, 40));
    await expect(ageEncrypt([], new Sensitive(Buffer.from('x')))).rejects.toMatchObject({ code: 'RECIPIENT_INVALID' });
  });

  it('says nothing of an identity that cannot be read', async () => {
    const secret = 'AGE-SECRET-KEY-1NOTREALLYONE';
    const opened = await ageDecrypt(new Sensitive(Buffer.from(secret)), Buffer.from('x')).catch(
      (error: Error) => error,
    );
    expect(inspect(opened, { depth: 9 })).not.toContain('NOTREALLYONE');
  });
});
