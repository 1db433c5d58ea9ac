import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ParsedKey } from 'ssh2';
import { afterAll, describe, expect, it } from 'vitest';
import { withDecodedKey } from '../../../src/transport/ssh/keys.js';
import { loadSsh2 } from '../../../src/transport/ssh/load.js';
import { requires } from '../../helpers/requires.js';
import { makeKey } from '../../helpers/sshd.js';

const need = requires('ssh-keygen');

describe.skipIf(need.skip)('a key that is decoded once', () => {
  const dir = mkdtempSync(join(tmpdir(), 'edgectl-keys-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it.each([
    ['ed25519', undefined],
    ['ecdsa', undefined],
    ['rsa', 'sha256'],
    ['rsa', 'sha512'],
  ])('signs with %s and hash %s what ssh2’s own path verifies', async (type, hash) => {
    const ssh2 = await loadSsh2();
    const path = makeKey(join(dir, `${type}-${hash ?? 'none'}`), type).path;
    const parse = (): ParsedKey => ssh2.utils.parseKey(readFileSync(path)) as ParsedKey;
    const data = Buffer.from('what is signed');
    const signature = withDecodedKey(parse()).sign(data, hash);
    expect(parse().verify(data, signature, hash)).toBe(true);
    expect(parse().verify(Buffer.from('something else'), signature, hash)).toBe(false);
    // Ed25519 and PKCS#1 v1.5 are deterministic; ECDSA is not.
    if (type !== 'ecdsa') expect(signature).toEqual(parse().sign(data, hash));
  });
});

describe.skipIf(need.skip)('logging in', () => {
  it.each(['ed25519', 'ecdsa', 'rsa'])('works with a user key of type %s', async (type) => {
    const { createSshTransport } = await import('../../../src/transport/ssh/transport.js');
    const { parseKnownHosts } = await import('../../../src/transport/known-hosts/parse.js');
    const { pinsFor } = await import('../../../src/transport/known-hosts/pins.js');
    const { startSshd } = await import('../../helpers/sshd.js');
    const key = makeKey(join(dirFor(type), 'user'), type);
    const sshd = await startSshd({ authorized: [key.line] });
    const hosts = parseKnownHosts(`n1 ${sshd.hostKeys[0]?.line}\n`);
    const transport = createSshTransport({ knownHosts: { lookup: async (id) => pinsFor(hosts, id) } });
    const target = { nodeId: 'n1', host: '127.0.0.1', port: sshd.port, user: sshd.user, identityFiles: [key.path] };
    expect(await transport.connect(target)).toMatchObject({ ok: true });
    await transport.close();
    await sshd.stop();
  });

  const dirs: string[] = [];
  const dirFor = (type: string): string => {
    const dir = mkdtempSync(join(tmpdir(), `edgectl-login-${type}-`));
    dirs.push(dir);
    return dir;
  };
  afterAll(() => dirs.forEach((dir) => rmSync(dir, { recursive: true, force: true })));
});
