import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { dockerCredentials } from '../../../src/registry/credentials.js';

const dir = mkdtempSync(path.join(tmpdir(), 'edgectl-credentials-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
let count = 0;

/** Credentials from a docker configuration; `helper` is the body of docker-credential-test. */
function from(config: unknown, helper?: string) {
  const home = path.join(dir, String(++count));
  mkdirSync(path.join(home, '.docker'), { recursive: true });
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  writeFileSync(path.join(home, '.docker', 'config.json'), text);
  if (helper !== undefined) {
    writeFileSync(path.join(home, 'docker-credential-test'), `#!/bin/sh\n${helper}\n`);
    chmodSync(path.join(home, 'docker-credential-test'), 0o755);
  }
  return dockerCredentials({ HOME: home, PATH: `${home}:${process.env['PATH']}` });
}
const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });

describe('credentials', () => {
  test('are what docker login wrote; the password may have colons', async () => {
    const find = from({ auths: { 'r.example:5000': auth('me:a:b'), 'https://index.docker.io/v1/': auth('hub:x') } });
    expect(await find('r.example:5000', 'a')).toEqual({ username: 'me', password: 'a:b' });
    expect(await find('docker.io', 'library/nginx')).toEqual({ username: 'hub', password: 'x' });
    expect(await find('r.example', 'a')).toBeUndefined();
  });

  test('of the nearest repository win, as for podman', async () => {
    const find = from({ auths: { 'r.example': auth('all:1'), 'r.example/team/app': auth('team:2') } });
    expect(await find('r.example', 'team/app/web')).toEqual({ username: 'team', password: '2' });
    expect(await find('r.example', 'team')).toEqual({ username: 'all', password: '1' });
  });

  test('come from a helper, which gets the registry on its standard input', async () => {
    const find = from(
      { credHelpers: { 'r.example': 'test' }, auths: { 'r.example': {} } },
      'read host; [ "$1 $host" = "get r.example" ] && echo \'{"Username":"me","Secret":"x"}\'',
    );
    expect(await find('r.example', 'a')).toEqual({ username: 'me', password: 'x' });
    const store = from({ credsStore: 'test' }, 'echo \'{"Username":"<token>","Secret":"refresh"}\'');
    expect(await store('r.example', 'a')).toEqual({ identityToken: 'refresh' });
    const none = from({ credsStore: 'test' }, 'echo "credentials not found in native keychain"; exit 1');
    expect(await none('r.example', 'a')).toBeUndefined();
  });

  test.each<[string, unknown, string | undefined, RegExp]>([
    ['a file that is no JSON', 'hello', undefined, /is not JSON/],
    ['a helper that is a path', { credsStore: '../../x' }, undefined, /name of a credential helper/],
    [
      'an auth that is no base64 of two words',
      { auths: { 'r.example': { auth: 'eA==' } } },
      undefined,
      /base64 of USER:PASSWORD/,
    ],
    ['a helper that fails', { credsStore: 'test' }, 'echo broken >&2; exit 3', /failed for r\.example: broken/],
    ['a helper that answers something else', { credsStore: 'test' }, 'echo secret', /^(?!.*secret).*did not answer/],
  ])('%s is an error by name', async (_what, config, helper, message) => {
    const failure = from(config, helper)('r.example', 'a');
    await expect(failure).rejects.toMatchObject({ code: 'OCI_CREDENTIALS' });
    await expect(failure).rejects.toThrow(message);
  });

  test('a helper that is not installed is named', async () => {
    await expect(from({ credsStore: 'absent' })('r.example', 'a')).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });
});
