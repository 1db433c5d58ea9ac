import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import KeysAdd from '../../../src/commands/keys/add.js';
import KeysInit from '../../../src/commands/keys/init.js';
import KeysShow from '../../../src/commands/keys/show.js';
import Init from '../../../src/commands/init.js';
import RuntimeList from '../../../src/commands/runtime/list.js';
import RuntimePack from '../../../src/commands/runtime/pack.js';
import RuntimeShow from '../../../src/commands/runtime/show.js';
import RuntimeVerify from '../../../src/commands/runtime/verify.js';
import { loadFleet } from '../../../src/fleet/load.js';
import { program } from '../../helpers/bundle-fixtures.js';
import type { CommandClass } from '../../helpers/cli.js';
import { runInProcess } from '../../helpers/cli.js';
import { requires } from '../../helpers/requires.js';
import { makeSigningKey } from '../../helpers/signing.js';

const need = requires('ssh-keygen');
let dir: string;
let fleet: string;
let env: Record<string, string | undefined>;

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'edgectl-keys-'));
  fleet = path.join(dir, 'fleet');
  env = { HOME: dir, USER: 'anna', PATH: process.env['PATH'], NO_COLOR: '1' };
  await runInProcess(Init as unknown as CommandClass, [fleet, '--name', 'shops'], {
    env: env,
    cwd: dir,
  });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Runs a command with --json; its exit code and what the envelope holds. */
async function call(Command: unknown, argv: string[], more: { env?: Record<string, string>; fleet?: string[] } = {}) {
  const outcome = await runInProcess(
    Command as CommandClass,
    [...argv, ...(more.fleet ?? ['--fleet', fleet]), '--json'],
    {
      env: { ...env, ...more.env },
      cwd: dir,
    },
  );
  const envelope = JSON.parse(outcome.stdout) as {
    result?: never;
    error?: { code: string; message: string; hint?: string };
  };
  return { ...outcome, result: envelope.result as unknown as Record<string, unknown>, error: envelope.error };
}

describe.skipIf(need.skip)(`keys and runtimes on the command line ${need.reason}`, () => {
  test('packing without a key says how to make one', async () => {
    const source = path.join(dir, 'runc-1.0.amd64');
    writeFileSync(source, program('old'));
    const { exitCode, error } = await call(RuntimePack, [source, '--driver', 'runc']);
    expect([exitCode, error?.code, error?.hint]).toEqual([64, 'KEYS_NOT_FOUND', 'edgectl keys init']);
  });

  test('a new key is private, outside the repository, and allowed in it', async () => {
    const { exitCode, result } = await call(KeysInit, []);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ kind: 'file', principal: 'anna@shops', added: true });
    const file = String(result['key']);
    expect(path.relative(fleet, file).startsWith('..')).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700);
    expect(readFileSync(path.join(fleet, 'trust/allowed_signers'), 'utf8')).toMatch(
      /^anna@shops namespaces="edgectl-plan,edgectl-runtime,edgectl-kit,edgectl-policy" ssh-ed25519 /m,
    );
    expect(readFileSync(path.join(fleet, 'keys/anna@shops.pub'), 'utf8')).toMatch(/^ssh-ed25519 /);
  });

  test('a second key never replaces the first', async () => {
    const { exitCode, error } = await call(KeysInit, []);
    expect([exitCode, error?.code]).toEqual([64, 'KEY_EXISTS']);
  });

  test('another key is allowed for what was said, and adding it twice changes nothing', async () => {
    const build = await makeSigningKey(path.join(dir, 'build'));
    const argv = [`${build.path}.pub`, '--principal', 'build@ci', '--namespaces', 'runtime'];
    expect((await call(KeysAdd, argv)).result).toMatchObject({ added: true, namespaces: ['edgectl-runtime'] });
    const before = readFileSync(path.join(fleet, 'trust/allowed_signers'), 'utf8');
    expect((await call(KeysAdd, argv)).result).toMatchObject({ added: false });
    expect(readFileSync(path.join(fleet, 'trust/allowed_signers'), 'utf8')).toBe(before);
    expect((await call(KeysAdd, [...argv.slice(0, 3), '--namespaces', 'plan'])).error?.code).toBe('KEY_EXISTS');
    const { result } = await call(KeysShow, []);
    expect(result).toMatchObject({
      key: { allowed: true, kind: 'file' },
      signers: [
        { principal: 'anna@shops', mine: true },
        { principal: 'build@ci', mine: false, namespaces: ['edgectl-runtime'] },
      ],
    });
  });

  test.each([
    ['a private key', ['--principal', 'x'], 'USAGE', /private key/],
    ['a principal that means everybody', ['--principal', '*'], 'USAGE', /principal/],
    ['a namespace that nobody knows', ['--principal', 'x', '--namespaces', 'root'], 'USAGE', /namespace/],
  ])('%s is not added', async (_what, argv, code, message) => {
    const key = path.join(dir, 'build', _what === 'a private key' ? 'signing' : 'signing.pub');
    const { exitCode, error } = await call(KeysAdd, [key, ...argv]);
    expect([exitCode, error?.code]).toEqual([64, code]);
    expect(error?.message).toMatch(message);
  });

  test('a packed runtime is listed, shown, verified, and desired; packing it again finds the same bundle', async () => {
    const source = path.join(dir, 'runc-1.3.6.amd64');
    writeFileSync(source, program('new'));
    const first = await call(RuntimePack, [source, '--driver', 'runc', '--write', '--out', path.join(dir, 'public')]);
    expect(first.exitCode).toBe(0);
    expect(first.result).toMatchObject({
      component: 'runc',
      version: '1.3.6',
      arch: 'amd64',
      isNew: true,
      signer: { principal: 'anna@shops' },
    });
    const digest = String(first.result['digest']);
    expect((await call(RuntimePack, [source, '--driver', 'runc'])).result).toMatchObject({ digest, isNew: false });
    expect((await call(RuntimeList, [])).result).toMatchObject({ bundles: [{ component: 'runc', digest }] });
    expect((await call(RuntimeShow, ['runc@1.3.6'])).result).toMatchObject({
      bundles: [{ digest, files: [{ path: 'driver' }, { path: 'files/bin/runc', mode: 0o755 }] }],
    });
    expect((await call(RuntimeVerify, [])).result).toMatchObject({ bundles: [{ digest, ok: true }] });
    for (const name of ['bundle.tar.gz', 'statement', 'statement.sig']) {
      expect(statSync(path.join(dir, 'public', digest, name)).size).toBeGreaterThan(0);
    }
    const loaded = await loadFleet(fleet, { env });
    expect(loaded.runtimes).toMatchObject([{ component: 'runc', version: '1.3.6', digests: { amd64: digest } }]);
  });

  test('a damaged bundle, and one whose signer was taken out of the trust, are refused with exit code 4', async () => {
    const { result } = await call(RuntimeList, []);
    const [bundle] = result['bundles'] as { path: string }[];
    const trust = path.join(fleet, 'trust/allowed_signers');
    const signers = readFileSync(trust, 'utf8');
    writeFileSync(trust, signers.replace(/^anna@shops.*\n/m, ''));
    const untrusted = await call(RuntimeVerify, []);
    expect([untrusted.exitCode, untrusted.result]).toMatchObject([
      4,
      { bundles: [{ ok: false, code: 'BUNDLE_SIGNATURE' }] },
    ]);
    writeFileSync(trust, signers);
    writeFileSync(bundle?.path ?? '', 'rotten');
    const rotten = await call(RuntimeVerify, []);
    expect([rotten.exitCode, rotten.result]).toMatchObject([
      4,
      { bundles: [{ ok: false, code: 'BUNDLE_DIGEST_MISMATCH' }] },
    ]);
  });

  test('a runtime signed by a key that the fleet does not allow is not even stored', async () => {
    const stranger = await makeSigningKey(path.join(dir, 'stranger'));
    const source = path.join(dir, 'runc-9.9.amd64');
    writeFileSync(source, program('stranger'));
    const { exitCode, error } = await call(RuntimePack, [source, '--driver', 'runc'], {
      env: { EDGECTL_SIGNING_KEY: stranger.path },
    });
    expect([exitCode, error?.code]).toEqual([4, 'BUNDLE_SIGNATURE']);
    expect((await call(RuntimeShow, ['runc@9.9'])).error?.code).toBe('BUNDLE_NOT_FOUND');
  });

  test('an existing key is linked, not copied', async () => {
    const mine = await makeSigningKey(path.join(dir, 'mine'));
    const other = path.join(dir, 'other');
    await runInProcess(Init as unknown as CommandClass, [other, '--name', 'other'], {
      env: env,
      cwd: dir,
    });
    const { result } = await call(KeysInit, ['--from', mine.path, '--principal', 'me'], { fleet: ['--fleet', other] });
    expect(result).toMatchObject({ kind: 'file', fingerprint: mine.fingerprint });
    expect(readFileSync(String(result['key']))).toEqual(readFileSync(mine.path));
    rmSync(mine.path);
    expect((await call(KeysShow, [], { fleet: ['--fleet', other] })).result).toMatchObject({ key: { kind: 'agent' } });
  });

  test('drivers are listed without a fleet, and a fleet’s own one is marked', async () => {
    const { result } = await call(RuntimeList, ['--drivers'], { fleet: [] });
    const names = (result['drivers'] as { name: string; own: boolean }[]).map((each) => each.name);
    expect(names).toEqual(
      expect.arrayContaining(['containerd', 'containerd-shim', 'crun', 'runc', 'runsc', 'wasmedge']),
    );
  });
});
