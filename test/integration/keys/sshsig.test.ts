import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { signSshsig, sshEd25519Line } from '../../../src/keys/sshsig.js';
import { run } from '../../../src/process/run.js';
import { requires } from '../../helpers/requires.js';

const needs = requires('ssh-keygen');
const text = 'a=1\nname=db\n';

describe.skipIf(needs.skip)('a signature made without ssh-keygen', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'sshsig-'));
    await writeFile(path.join(dir, 'signers'), `manifest namespaces="edgectl-secret" ${sshEd25519Line(publicKey)}\n`);
  });
  afterAll(async () => {
    await rm(dir, { recursive: true });
  });

  const verifies = async (signature: string, input = text): Promise<boolean> => {
    const file = path.join(dir, 'sig');
    await writeFile(file, signature);
    const trusted = ['-f', path.join(dir, 'signers'), '-I', 'manifest', '-n', 'edgectl-secret'];
    const { status } = await run(['ssh-keygen', '-Y', 'verify', ...trusted, '-s', file], { input });
    return status === 0;
  };

  it('is verified by ssh-keygen', async () => {
    expect(await verifies(signSshsig(privateKey, publicKey, 'edgectl-secret', text))).toBe(true);
  });

  it('is refused for another text, another purpose, or by another key', async () => {
    expect(await verifies(signSshsig(privateKey, publicKey, 'edgectl-secret', text), `${text} `)).toBe(false);
    expect(await verifies(signSshsig(privateKey, publicKey, 'edgectl-plan', text))).toBe(false);
    const other = generateKeyPairSync('ed25519');
    expect(await verifies(signSshsig(other.privateKey, other.publicKey, 'edgectl-secret', text))).toBe(false);
    expect(await verifies(signSshsig(other.privateKey, publicKey, 'edgectl-secret', text))).toBe(false);
  });

  it('needs an Ed25519 key', () => {
    const wrong = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => sshEd25519Line(wrong.publicKey)).toThrow(/Ed25519/);
  });
});
