import { describe, expect, test } from 'vitest';
import { RegistryAuth } from '../../../src/registry/auth.js';
import { parseChallenges } from '../../../src/registry/challenge.js';
import type { Credentials } from '../../../src/registry/credentials.js';

describe('WWW-Authenticate', () => {
  test.each([
    ['Basic realm="a, b"', [{ scheme: 'basic', parameters: { realm: 'a, b' } }]],
    [
      'Bearer realm="https://auth.example/token",service="r.example",scope="repository:a/b:pull,push"',
      [
        {
          scheme: 'bearer',
          parameters: { realm: 'https://auth.example/token', service: 'r.example', scope: 'repository:a/b:pull,push' },
        },
      ],
    ],
    [
      'Negotiate, Basic realm=x, Bearer realm="a\\"b"',
      [
        { scheme: 'negotiate', parameters: {} },
        { scheme: 'basic', parameters: { realm: 'x' } },
        { scheme: 'bearer', parameters: { realm: 'a"b' } },
      ],
    ],
    ['', []],
    ['=x', []],
  ])('%s', (header, expected) => expect(parseChallenges(header)).toEqual(expected));

  test('a long and hostile header is read in no time', () => {
    expect(parseChallenges(`Bearer ${'a=",'.repeat(100_000)}`).length).toBeLessThan(20_000);
  });
});

describe('tokens', () => {
  const bearer = 'Bearer realm="https://auth.example/token",service="r.example"';
  function auth(credentials: Credentials | undefined, answers: { status: number; text: string }[] = []) {
    const asked: { url: string; authorization?: string; form?: Readonly<Record<string, string>> }[] = [];
    const clock = { now: 0 };
    const made = new RegistryAuth({
      registry: 'r.example',
      plain: false,
      credentials: () => Promise.resolve(credentials),
      now: () => clock.now,
      ask: (url, request) => {
        asked.push({ url: url.href, ...request });
        return Promise.resolve(
          answers.shift() ?? { status: 200, text: `{"token":"t${asked.length}","expires_in":60}` },
        );
      },
    });
    return { auth: made, asked, clock };
  }

  test('are asked for once by scope, and anew shortly before they end', async () => {
    const { auth: one, asked, clock } = auth({ username: 'me', password: 'x' });
    expect(await one.header('a', ['s1'])).toBeUndefined();
    one.learn(bearer, undefined, ['s1']);
    expect(await Promise.all([one.header('a', ['s1']), one.header('a', ['s1'])])).toEqual(['Bearer t1', 'Bearer t1']);
    expect(await one.header('a', ['s2', 's3'])).toBe('Bearer t2');
    expect(asked.map(({ url }) => new URL(url).search)).toEqual([
      '?service=r.example&scope=s1',
      '?service=r.example&scope=s2&scope=s3',
    ]);
    expect(asked[0]?.authorization).toBe(`Basic ${Buffer.from('me:x').toString('base64')}`);
    clock.now = 49_000;
    expect(await one.header('a', ['s1'])).toBe('Bearer t1');
    clock.now = 51_000;
    expect(await one.header('a', ['s1'])).toBe('Bearer t3');
  });

  test('come for an identity token by a form, never in an address', async () => {
    const { auth: one, asked } = auth({ identityToken: 'refresh' });
    one.learn(bearer, undefined, ['s1']);
    await one.header('a', ['s1']);
    expect(asked[0]?.url).toBe('https://auth.example/token');
    expect(asked[0]?.form).toMatchObject({ grant_type: 'refresh_token', refresh_token: 'refresh', scope: 's1' });
  });

  test.each([
    ['Basic realm="x"', [], 'wants credentials'],
    ['Digest realm="x"', [], 'a kind of authentication'],
    ['Bearer service="x"', [], 'no address'],
    ['Bearer realm="http://auth.example/token"', [], 'not https'],
    ['Bearer realm="file:///etc/passwd"', [], 'not https'],
    [bearer, [{ status: 401, text: '' }], 'no token without credentials'],
    [bearer, [{ status: 500, text: 'a\nb' }], 'gives no token (500 a)'],
    [bearer, [{ status: 200, text: 'null' }], 'without a token'],
    [bearer, [{ status: 200, text: '{"token":"a\\r\\nX: y"}' }], 'without a token'],
  ])('%s is refused by name', async (header, answers, message) => {
    const { auth: one } = auth(undefined, [...answers]);
    const failure = (async () => {
      one.learn(header, undefined, ['s']);
      await one.header('a', ['s']);
    })();
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toMatchObject({ code: 'OCI_AUTH' });
  });

  test('a password that was refused is not sent again', () => {
    const { auth: one } = auth({ username: 'me', password: 'x' });
    expect(() => one.learn('Basic realm="x"', 'Basic abc', ['s'])).toThrow('refuses these credentials');
  });
});
