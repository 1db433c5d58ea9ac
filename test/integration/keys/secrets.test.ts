import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import Init from '../../../src/commands/init.js';
import KeysInit from '../../../src/commands/keys/init.js';
import KeysShow from '../../../src/commands/keys/show.js';
import type { ShownSecrets } from '../../../src/keys/init-secrets.js';
import { readSecretTrust } from '../../../src/keys/secret-trust.js';
import { generateAgeIdentity } from '../../../src/seal/age.js';
import { approvePolicy, isApproved, policyReference, policySigner } from '../../../src/seal/tpm/approved-policy.js';
import type { CommandClass } from '../../helpers/cli.js';
import { runInProcess } from '../../helpers/cli.js';
import { requires } from '../../helpers/requires.js';

let dir: string;
let fleet: string;
let home: string;
let recovery: string[];

beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'edgectl-secret-keys-'));
  fleet = path.join(dir, 'fleet');
  home = path.join(dir, 'home');
  mkdirSync(home);
  const made = await runInProcess(Init as unknown as CommandClass, [fleet, '--name', 'shops'], { env: environment(), cwd: dir }); // prettier-ignore
  expect(made.exitCode).toBe(0);
  const identities = await Promise.all([generateAgeIdentity(), generateAgeIdentity()]);
  recovery = identities.map((each) => each.recipient);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function environment(more: Record<string, string> = {}): Record<string, string | undefined> {
  return { HOME: home, USER: 'anna', PATH: process.env['PATH'], NO_COLOR: '1', ...more };
}

/** Runs a command with --json. */
async function call(Command: unknown, argv: string[], env: Record<string, string> = {}) {
  const outcome = await runInProcess(Command as CommandClass, [...argv, '--fleet', fleet, '--json'], {
    env: environment(env),
    cwd: dir,
  });
  const { result, error } = JSON.parse(outcome.stdout) as {
    result?: { secrets: ShownSecrets | null };
    error?: { code: string; message: string };
  };
  return { exitCode: outcome.exitCode, secrets: result?.secrets, error, stdout: outcome.stdout };
}

const initArgs = (recipients = recovery): string[] => [
  '--secrets',
  ...recipients.flatMap((each) => ['--recovery', each]),
];
const privateFile = (name: string): string => {
  const keys = path.join(home, '.config/edgectl/keys');
  return path.join(keys, readdirSync(keys)[0] ?? '', name);
};

describe('keys init --secrets', () => {
  it('makes both keys outside of the repository, for nobody else to read, and publishes their public halves', async () => {
    const { exitCode, secrets } = await call(KeysInit, initArgs());
    expect(exitCode).toBe(0);
    expect(secrets).toMatchObject({ changed: true, recovery, publicDir: path.join(fleet, 'trust/secrets') });
    expect(secrets?.keys.map((key) => [key.name, key.privateKey])).toEqual([
      ['policy', privateFile('policy.pem')],
      ['manifest', privateFile('manifest.pem')],
    ]);
    for (const name of ['policy.pem', 'manifest.pem']) expect(statSync(privateFile(name)).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(privateFile('policy.pem'))).mode & 0o777).toBe(0o700);
    expect(createPrivateKey(readFileSync(privateFile('policy.pem'))).asymmetricKeyDetails?.namedCurve).toBe(
      'prime256v1',
    );
    expect(createPrivateKey(readFileSync(privateFile('manifest.pem'))).asymmetricKeyType).toBe('ed25519');
  });

  it('makes a policy key whose approvals verify with what the repository holds', async () => {
    await call(KeysInit, initArgs());
    const trust = await readSecretTrust(fleet);
    if (trust === undefined) throw new Error('nothing was published');
    const reference = policyReference({ node: 'pos-001' });
    const signer = policySigner(createPrivateKey(readFileSync(privateFile('policy.pem'))));
    const approved = await approvePolicy(Buffer.alloc(32, 1), reference, signer);
    expect(isApproved(trust.policy, reference, approved)).toBe(true);
  });

  it('leaves nothing private in the repository, and nothing that git would not take', async () => {
    const needs = requires('git');
    await call(KeysInit, initArgs());
    const files = readdirSync(fleet, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.map((entry) => entry.name)).toEqual(
      expect.arrayContaining(['policy.pub', 'manifest.pub', 'recovery']),
    );
    for (const entry of files)
      expect(readFileSync(path.join(entry.parentPath, entry.name), 'latin1'), entry.name).not.toContain(
        'PRIVATE KEY---',
      );
    if (needs.skip) return;
    mkdirSync(path.join(fleet, 'trust/tpm-ca'));
    writeFileSync(path.join(fleet, 'trust/tpm-ca/maker.pem'), 'x');
    const git = (...args: string[]): string => execFileSync('git', ['-C', fleet, ...args], { encoding: 'utf8' });
    git('init', '-q');
    const added = git('ls-files', '--others', '--exclude-standard');
    for (const name of ['secrets/policy.pub', 'secrets/manifest.pub', 'secrets/recovery', 'tpm-ca/maker.pem'])
      expect(added).toContain(`trust/${name}`);
  });

  it('changes nothing when asked again, and goes on after it was cut off between private and public halves', async () => {
    const first = await call(KeysInit, initArgs());
    const before = readFileSync(privateFile('policy.pem'));
    const again = await call(KeysInit, initArgs([...recovery].reverse()));
    expect(again.secrets).toEqual({ ...first.secrets, changed: false, recovery: again.secrets?.recovery });
    expect(readFileSync(privateFile('policy.pem'))).toEqual(before);
    // Cut off after the first private key.
    rmSync(path.join(fleet, 'trust/secrets'), { recursive: true });
    rmSync(privateFile('manifest.pem'));
    const resumed = await call(KeysInit, initArgs());
    expect(resumed.exitCode).toBe(0);
    expect(resumed.secrets?.keys[0]?.fingerprint).toBe(first.secrets?.keys[0]?.fingerprint);
    expect(resumed.secrets?.keys[1]?.fingerprint).not.toBe(first.secrets?.keys[1]?.fingerprint);
  });

  it('never replaces a key that the fleet has: not from another computer, not with other recipients', async () => {
    await call(KeysInit, initArgs());
    const before = readFileSync(path.join(fleet, 'trust/secrets/policy.pub'));
    const elsewhere = await call(KeysInit, initArgs(), { XDG_CONFIG_HOME: path.join(dir, 'elsewhere') });
    expect([elsewhere.exitCode, elsewhere.error?.code]).toEqual([64, 'KEY_EXISTS']);
    expect(existsSync(path.join(dir, 'elsewhere'))).toBe(false);
    const third = (await generateAgeIdentity()).recipient;
    const other = await call(KeysInit, initArgs([recovery[0] ?? '', third]));
    expect(other.error?.code).toBe('KEY_EXISTS');
    expect(readFileSync(path.join(fleet, 'trust/secrets/policy.pub'))).toEqual(before);
  });

  it('wants two different recipients that are recipients, before it makes anything', async () => {
    const [one = '', two = ''] = recovery;
    for (const [recipients, code] of [
      [[], 'USAGE'],
      [[one], 'USAGE'],
      [[one, one], 'USAGE'],
      [[one, two.slice(0, -1)], 'RECIPIENT_INVALID'],
    ] as [string[], string][]) {
      const refused = await call(KeysInit, initArgs(recipients));
      expect([refused.exitCode, refused.error?.code], String(recipients)).toEqual([64, code]);
    }
    expect(existsSync(path.join(home, '.config'))).toBe(false);
    expect(existsSync(path.join(fleet, 'trust/secrets'))).toBe(false);
  });

  it('does not repeat an identity that was given in place of its recipient', async () => {
    const identity = (await generateAgeIdentity()).identity.reveal().toString();
    const refused = await call(KeysInit, initArgs([identity, recovery[0] ?? '']));
    expect(refused.error?.code).toBe('RECIPIENT_INVALID');
    expect(refused.stdout).not.toContain(identity.slice(20, 50));
  });

  it('refuses to put private keys into the repository, through a symbolic link too', async () => {
    symlinkSync(fleet, path.join(dir, 'link'));
    for (const place of [path.join(fleet, '.config'), path.join(dir, 'link', 'deep', 'er')]) {
      const refused = await call(KeysInit, initArgs(), { XDG_CONFIG_HOME: place });
      expect(refused.error?.message).toMatch(/inside of the fleet repository/);
      expect(existsSync(place)).toBe(false);
    }
  });

  it('cannot be mixed with the flags of the signing key', async () => {
    expect((await call(KeysInit, [...initArgs(), '--agent'])).exitCode).toBe(64);
    expect((await call(KeysInit, ['--recovery', recovery[0] ?? ''])).exitCode).toBe(64);
  });
});

describe('keys show', () => {
  it('says nothing of secrets before there are keys for them, and afterwards which halves are here', async () => {
    expect((await call(KeysShow, [])).secrets).toBeNull();
    const { secrets } = await call(KeysInit, initArgs());
    expect((await call(KeysShow, [])).secrets).toEqual({ ...secrets, changed: false });
    const elsewhere = await call(KeysShow, [], { XDG_CONFIG_HOME: path.join(dir, 'elsewhere') });
    expect(elsewhere.secrets?.keys.map((key) => key.privateKey)).toEqual([null, null]);
    const text = await runInProcess(KeysShow as unknown as CommandClass, ['--fleet', fleet], { env: environment(), cwd: dir }); // prettier-ignore
    expect(text.stdout).toContain(secrets?.keys[0]?.fingerprint ?? 'absent');
    for (const recipient of recovery) expect(text.stdout).toContain(recipient);
  });

  it('warns of a private half that others can read, or that is another key', async () => {
    await call(KeysInit, initArgs());
    chmodSync(privateFile('policy.pem'), 0o644);
    const other = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(privateFile('manifest.pem'), other);
    const { secrets } = await call(KeysShow, []);
    expect(secrets?.keys[0]?.warning).toMatch(/read by others \(mode 644\)/);
    expect(secrets?.keys[1]?.warning).toMatch(/another key/);
    // And making keys anew does not paper over it.
    expect((await call(KeysInit, initArgs())).exitCode).not.toBe(0);
  });

  it('names the file of the repository that is wrong', async () => {
    await call(KeysInit, initArgs());
    const file = (name: string): string => path.join(fleet, 'trust/secrets', name);
    const good = { policy: readFileSync(file('policy.pub')), recovery: readFileSync(file('recovery')) };
    const leaked = readFileSync(privateFile('policy.pem'));
    for (const [name, bytes, why] of [
      ['policy.pub', leaked, /policy\.pub holds a private key/],
      ['policy.pub', readFileSync(file('manifest.pub')), /policy\.pub is not an ECDSA key on P-256/],
      ['policy.pub', Buffer.from('x'), /policy\.pub is no public key/],
      ['recovery', Buffer.from(`${recovery[0]}\n`), /recovery: At least 2/],
      ['recovery', Buffer.from(`${recovery[0]}\nage1x\n`), /recovery: .*age1x/],
    ] as [string, Buffer, RegExp][]) {
      writeFileSync(file(name), bytes);
      const { error } = await call(KeysShow, []);
      expect([error?.code, error?.message]).toEqual(['CONFIG_INVALID', expect.stringMatching(why)]);
      writeFileSync(file('policy.pub'), good.policy);
      writeFileSync(file('recovery'), good.recovery);
    }
    rmSync(file('manifest.pub'));
    expect((await call(KeysShow, [])).error?.message).toMatch(/manifest\.pub is not there/);
  });
});
