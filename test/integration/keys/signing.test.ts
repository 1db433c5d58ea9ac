import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signText } from '../../../src/keys/sign.js';
import type { SigningKey } from '../../../src/keys/signing-key.js';
import { readSigningKey } from '../../../src/keys/signing-key.js';
import { soleAgentKey } from '../../../src/keys/agent.js';
import { verifyText } from '../../../src/keys/verify.js';
import { requires } from '../../helpers/requires.js';
import { makeSigningKey, writeAllowedSigners } from '../../helpers/signing.js';

const need = requires('ssh-keygen', 'ssh-agent');
let dir: string;
let key: SigningKey;
let allowed: string;
const text = 'edgectl-bundle=1\nversion=1\n';

beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'edgectl-keys-'));
  if (need.skip) return;
  key = await makeSigningKey(path.join(dir, 'keys'));
  allowed = writeAllowedSigners(path.join(dir, 'allowed'), 'ops@fleet', key, ['edgectl-runtime', 'edgectl-plan']);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const verify = (more: Partial<Parameters<typeof verifyText>[0]> & { signature: string }) =>
  verifyText({ namespace: 'edgectl-runtime', text, allowedSigners: allowed, tmpdir: dir, ...more });

describe.skipIf(need.skip)(`signing with ssh-keygen ${need.reason}`, () => {
  test('a signature says who made it, and the temporary directory is gone', async () => {
    const signature = await signText({ namespace: 'edgectl-runtime', text, key });
    await expect(verify({ signature })).resolves.toEqual({
      principal: 'ops@fleet',
      keyFingerprint: `ED25519 ${key.fingerprint}`,
    });
    expect(readdirSync(dir).filter((name) => name.startsWith('edgectl-'))).toEqual([]);
  });

  test('the fingerprint is the one that ssh-keygen shows', () => {
    expect(execFileSync('ssh-keygen', ['-l', '-f', key.path], { encoding: 'utf8' })).toContain(key.fingerprint);
  });

  test('a changed text, another namespace, an unknown key and a forged signature are refused with exit code 4', async () => {
    const signature = await signText({ namespace: 'edgectl-runtime', text, key });
    const stranger = await makeSigningKey(path.join(dir, 'stranger'));
    const refused = { code: 'BUNDLE_SIGNATURE', exitCode: 4 };
    await expect(verify({ signature, text: text.replace('1', '2') })).rejects.toMatchObject(refused);
    await expect(verify({ signature, namespace: 'edgectl-plan' })).rejects.toMatchObject(refused);
    await expect(
      verify({ signature: await signText({ namespace: 'edgectl-runtime', text, key: stranger }) }),
    ).rejects.toMatchObject(refused);
    await expect(verify({ signature: signature.replace(/[A-Z]{4}/, 'AAAA') })).rejects.toMatchObject(refused);
    await expect(verify({ signature: '' })).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/missing/),
    });
    await expect(verify({ signature, code: 'PLAN_SIGNATURE', text: 'x' })).rejects.toMatchObject({
      code: 'PLAN_SIGNATURE',
    });
    expect(readdirSync(dir).filter((name) => name.startsWith('edgectl-'))).toEqual([]);
  });

  test('a key that is allowed for plans only cannot sign a runtime', async () => {
    const planner = await makeSigningKey(path.join(dir, 'planner'));
    const file = writeAllowedSigners(path.join(dir, 'allowed-plan'), 'planner', planner, ['edgectl-plan']);
    const runtime = await signText({ namespace: 'edgectl-runtime', text, key: planner });
    const plan = await signText({ namespace: 'edgectl-plan', text, key: planner });
    await expect(verify({ signature: runtime, allowedSigners: file })).rejects.toMatchObject({
      code: 'BUNDLE_SIGNATURE',
    });
    await expect(verify({ signature: plan, allowedSigners: file, namespace: 'edgectl-plan' })).resolves.toMatchObject({
      principal: 'planner',
    });
  });

  test('a private key that others can read is warned of, and ssh-keygen’s refusal gives the command that mends it', async () => {
    await makeSigningKey(path.join(dir, 'loose'));
    const file = path.join(dir, 'loose/signing');
    chmodSync(file, 0o644);
    const loose = await readSigningKey(file);
    expect(loose?.warning).toBe(`${file} can be read by others (mode 644): chmod 600 ${file}`);
    if (loose === undefined) throw new Error('no key');
    await expect(signText({ namespace: 'edgectl-runtime', text, key: loose })).rejects.toMatchObject({
      code: 'SIGNING_FAILED',
      exitCode: 4,
      hint: `chmod 600 ${file}`,
    });
  });

  test('a key with a passphrase fails at once where nobody can be asked', async () => {
    mkdirSync(path.join(dir, 'locked'));
    const file = path.join(dir, 'locked/signing');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', file]);
    const locked = await readSigningKey(file);
    if (locked === undefined) throw new Error('no key');
    await expect(signText({ namespace: 'edgectl-runtime', text, key: locked })).rejects.toMatchObject({
      code: 'SIGNING_FAILED',
    });
  });

  test('a public key file signs through an agent, and the private key is nowhere on disk', async () => {
    const home = path.join(dir, 'agent');
    await makeSigningKey(home);
    const socket = path.join(dir, 'agent.sock');
    const started = spawnSync('ssh-agent', ['-s', '-a', socket], { encoding: 'utf8' });
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(started.stdout)?.[1]);
    try {
      execFileSync('ssh-add', ['-q', path.join(home, 'signing')], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
      rmSync(path.join(home, 'signing'));
      const held = await readSigningKey(path.join(home, 'signing'));
      expect(held?.kind).toBe('agent');
      if (held === undefined) throw new Error('no key');
      const file = writeAllowedSigners(path.join(dir, 'allowed-agent'), 'agent', held, ['edgectl-runtime']);
      const signature = await signText({ namespace: 'edgectl-runtime', text, key: held, agent: socket });
      await expect(verify({ signature, allowedSigners: file })).resolves.toMatchObject({ principal: 'agent' });
      expect((await soleAgentKey(socket)).fingerprint).toBe(held.fingerprint);
      await expect(
        signText({ namespace: 'edgectl-runtime', text, key: held, agent: '/nonexistent' }),
      ).rejects.toMatchObject({
        code: 'SIGNING_FAILED',
        hint: expect.stringMatching(/ssh-add -l/),
      });
    } finally {
      if (pid > 0) process.kill(pid);
    }
    await expect(soleAgentKey('/nonexistent')).rejects.toMatchObject({ code: 'KEYS_NOT_FOUND' });
  });

  test('a key without its public half is told apart from no key', async () => {
    const file = path.join(dir, 'half');
    copyFileSync(key.path, file);
    await expect(readSigningKey(file)).rejects.toMatchObject({
      code: 'KEYS_NOT_FOUND',
      hint: `ssh-keygen -y -f ${file} > ${file}.pub`,
    });
    expect(await readSigningKey(path.join(dir, 'none'))).toBeUndefined();
    writeFileSync(`${file}.pub`, readFileSync(key.path));
    await expect(readSigningKey(file)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/private key/),
    });
    renameSync(file, `${file}.gone`);
  });
});
