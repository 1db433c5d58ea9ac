import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadDriver } from '../../../src/bundle/drivers/load.js';
import { packBundle } from '../../../src/bundle/pack.js';
import { produceBundle } from '../../../src/bundle/produce.js';
import { parseStatement } from '../../../src/bundle/statement.js';
import { openBundleStore } from '../../../src/bundle/store.js';
import { signText } from '../../../src/keys/sign.js';
import { verifyText } from '../../../src/keys/verify.js';
import { debsNeed, debVersion, fetchDeb } from '../../helpers/debs.js';
import { requires } from '../../helpers/requires.js';
import { makeSigningKey, writeAllowedSigners } from '../../helpers/signing.js';

const drivers = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../templates/drivers');
const tools = requires('apt', 'dpkg-deb', 'ssh-keygen');
const need = tools.skip ? tools : await debsNeed();
let dir: string;

beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'edgectl-debian-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function scratch(name: string): Promise<string> {
  const made = path.join(dir, name);
  await mkdir(made);
  return made;
}

describe.skipIf(need.skip)(`genuine Debian packages ${need.reason}`, () => {
  test.each([
    { suite: 'bookworm', component: 'containerd', package: 'containerd', programs: ['containerd', 'ctr'] },
    { suite: 'sid', component: 'containerd', package: 'containerd', programs: ['containerd', 'ctr'] },
    {
      suite: 'trixie',
      component: 'containerd-shim',
      package: 'containerd',
      programs: ['containerd-shim', 'containerd-shim-runc-v1', 'containerd-shim-runc-v2'],
    },
    { suite: 'sid', component: 'containerd-shim', package: 'containerd', programs: ['containerd-shim-runc-v2'] },
    { suite: 'bookworm', component: 'runc', package: 'runc', programs: ['runc'] },
    { suite: 'sid', component: 'runc', package: 'runc', programs: ['runc'] },
  ])('$component of $suite is packed with its programs, its version and its architecture', async (each) => {
    const deb = await fetchDeb({ package: each.package, suite: each.suite, arch: 'amd64' });
    const { driver } = await loadDriver(each.component, [drivers]);
    const packed = await packBundle({ driver, source: deb, scratch: await scratch(`${each.suite}-${each.component}`) });
    expect(packed.arch).toBe('amd64');
    expect(packed.version).toBe((await debVersion(deb)).replace(/^[0-9]+:/, ''));
    expect(packed.manifest.map((entry) => entry.path)).toEqual([
      'driver',
      ...each.programs.map((name) => `files/bin/${name}`),
    ]);
    const unpacked = await scratch(`${each.suite}-${each.component}-unpacked`);
    execFileSync('tar', ['-xzf', packed.path, '-C', unpacked]);
    const reference = await scratch(`${each.suite}-${each.component}-reference`);
    execFileSync('dpkg-deb', ['-x', deb, reference]);
    for (const name of each.programs) {
      const from = name === 'runc' ? 'usr/sbin/runc' : `usr/bin/${name}`;
      expect(
        readFileSync(path.join(unpacked, 'files/bin', name)).equals(readFileSync(path.join(reference, from))),
      ).toBe(true);
      expect(statSync(path.join(unpacked, 'files/bin', name)).mode & 0o7777).toBe(0o755);
    }
  });

  test('a package for another architecture is packed for that one, and refused when this one is asked for', async () => {
    const deb = await fetchDeb({ package: 'runc', suite: 'sid', arch: 'arm64' });
    const { driver } = await loadDriver('runc', [drivers]);
    const packed = await packBundle({ driver, source: deb, scratch: await scratch('arm64') });
    expect(packed.arch).toBe('arm64');
    await expect(
      packBundle({ driver, source: deb, arch: 'amd64', scratch: await scratch('mismatch') }),
    ).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      message: 'usr/sbin/runc is for arm64, not for amd64.',
    });
  });

  test('a package is packed, signed and stored; packing it again finds the same bundle', async () => {
    const deb = await fetchDeb({ package: 'runc', suite: 'bookworm', arch: 'amd64' });
    const { driver } = await loadDriver('runc', [drivers]);
    const key = await makeSigningKey(path.join(dir, 'keys'));
    const allowedSigners = writeAllowedSigners(path.join(dir, 'allowed'), 'ops@fleet', key, ['edgectl-runtime']);
    const store = openBundleStore(path.join(dir, 'store'));
    const verify = (text: string, signature: string) =>
      verifyText({ namespace: 'edgectl-runtime', text, signature, allowedSigners, tmpdir: dir });
    const request = {
      driver,
      source: deb,
      store,
      sign: (text: string) => signText({ namespace: 'edgectl-runtime', text, key }),
      accept: (text: string, signature: string) => verify(text, signature).then(() => true),
    };
    const first = await produceBundle({ ...request, series: 1 });
    const second = await produceBundle({ ...request, series: 2 });
    expect(first.isNew).toBe(true);
    expect(second).toEqual({ bundle: first.bundle, isNew: false });
    const stored = await store.find('runc', first.bundle.version, 'amd64');
    expect(stored?.digest).toBe(execFileSync('sha256sum', [first.bundle.path], { encoding: 'utf8' }).split(' ')[0]);
    expect(parseStatement(stored?.statement ?? '').size).toBe(statSync(first.bundle.path).size);
    await expect(verify(first.bundle.statement, first.bundle.signature)).resolves.toMatchObject({
      principal: 'ops@fleet',
      keyFingerprint: `ED25519 ${key.fingerprint}`,
    });
  });
});
