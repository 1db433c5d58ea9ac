import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fileKnownHosts } from '../../../src/transport/known-hosts/file.js';
import { createOpensshTransport } from '../../../src/transport/openssh/transport.js';
import { selectTransport } from '../../../src/transport/select.js';
import { createSshTransport, type SshTransport } from '../../../src/transport/ssh/transport.js';
import type { ExecResult, Target, Transport } from '../../../src/transport/types.js';
import { stringify } from 'yaml';
import { runCli } from '../../helpers/cli.js';
import { requires } from '../../helpers/requires.js';
import { makeKey, startSshd, type KeyPair, type TestSshd } from '../../helpers/sshd.js';

const need = requires('sshd');

describe.skipIf(need.skip)('certificates, with a real sshd and a real ssh', () => {
  let dir: string;
  let ca: KeyPair;
  let host: KeyPair;
  let sshd: TestSshd;
  const open: Transport[] = [];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'edgectl-ca-'));
    ca = makeKey(join(dir, 'ca'));
    host = makeKey(join(dir, 'host'));
    certify(host, ['-h', '-n', 'edge-001']);
    const config = [`TrustedUserCAKeys ${ca.path}.pub`, `HostCertificate ${host.path}-cert.pub`];
    sshd = await startSshd({ hostKeys: [host.path], config });
  });
  afterAll(async () => {
    await sshd.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  afterEach(() => Promise.all(open.splice(0).map((transport) => transport.close())));

  const certify = (key: KeyPair, how: string[]): void => {
    execFileSync('ssh-keygen', ['-q', '-s', ca.path, '-I', 'test', ...how, `${key.path}.pub`], { stdio: 'ignore' });
  };
  const user = (name: string, how: string[]): KeyPair => {
    const key = makeKey(join(dir, name));
    certify(key, how);
    return key;
  };
  const attempt = async (knownHosts: string, over: Partial<Target> = {}, configFile?: string): Promise<ExecResult> => {
    const file = join(dir, 'known_hosts');
    writeFileSync(file, knownHosts);
    const pins = fileKnownHosts(file);
    const openssh = (): SshTransport =>
      createOpensshTransport({
        knownHostsFile: file,
        env: { TMPDIR: process.env['TMPDIR'] },
        ...(configFile === undefined ? {} : { configFile }),
      });
    const transport = selectTransport(createSshTransport({ knownHosts: pins }), openssh, pins);
    open.push(transport);
    const target = {
      nodeId: 'edge-001',
      host: '127.0.0.1',
      port: sshd.port,
      user: sshd.user,
      identityFiles: [sshd.userKey.path],
      ...over,
    };
    const connected = await transport.connect(target);
    if (!connected.ok) return connected;
    const result = await connected.session.exec({ argv: ['echo', 'in'], timeoutMs: 60_000 });
    await connected.session.close();
    return result;
  };

  it('logs in with a user certificate that the node’s authority signed; ssh2 cannot', async () => {
    const key = user('certified', ['-n', sshd.user]);
    const pins = `edge-001 ${host.line}\n`;
    expect(await attempt(pins, { identityFiles: [key.path], transport: 'openssh' })).toMatchObject({ ok: true });
    expect(await attempt(pins, { identityFiles: [key.path] })).toMatchObject({ ok: false, kind: 'auth' });
  });

  it('is refused with a certificate for somebody else, and with one that has expired', async () => {
    const pins = `edge-001 ${host.line}\n`;
    const stranger = user('stranger', ['-n', 'nobody-here']);
    const expired = user('expired', ['-n', sshd.user, '-V', '20200101:20200102']);
    for (const key of [stranger, expired]) {
      const result = await attempt(pins, { identityFiles: [key.path], transport: 'openssh' });
      expect(result).toMatchObject({ ok: false, kind: 'auth', sent: false });
    }
  });

  it('takes openssh by itself for a node that only @cert-authority knows, and checks the certificate’s name', async () => {
    const authority = `@cert-authority edge-* ${ca.line}\n`;
    expect(await attempt(authority)).toMatchObject({ ok: true, status: 0 });
    // The certificate is for edge-001.
    const other = await attempt(authority, { nodeId: 'edge-002' });
    expect(other).toMatchObject({ ok: false, sent: false });
    expect(!other.ok && other.kind).toMatch(/^host-key-/u);
    const stranger = makeKey(join(dir, 'other-ca'));
    const wrong = await attempt(`@cert-authority edge-* ${stranger.line}\n`);
    expect(wrong).toMatchObject({ ok: false, sent: false });
    expect(!wrong.ok && wrong.kind).toMatch(/^host-key-/u);
  });

  it('refuses a certificate whose authority is revoked', async () => {
    const result = await attempt(`@cert-authority edge-* ${ca.line}\n@revoked * ${ca.line}\n`);
    expect(result).toMatchObject({ ok: false, sent: false });
    expect(!result.ok && result.kind).toMatch(/^host-key-/u);
  });

  it('reads the operator’s own ssh_config, and keeps its own word where the two differ', async () => {
    const key = user('configured', ['-n', sshd.user]);
    const file = join(dir, 'ssh_config');
    const loose = 'StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nRequestTTY force\nRemoteCommand false\n';
    writeFileSync(file, `Host 127.0.0.1\n  IdentityFile ${key.path}\n  ${loose}`);
    const how = { identityFiles: [], transport: 'openssh' } as const;
    expect(await attempt(`edge-001 ${host.line}\n`, how, file)).toMatchObject({ ok: true, status: 0 });
    expect(await attempt('', how, file)).toMatchObject({ ok: false, kind: 'host-key-unknown' });
    expect(readFileSync(file, 'utf8')).toContain('StrictHostKeyChecking no');
  });
});

describe.skipIf(need.skip)('node trust behind a bastion that wants certificates', () => {
  let dir: string;
  let hop: TestSshd;
  let node: TestSshd;
  let fleet: string;
  let ca: KeyPair;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'edgectl-ca-hop-'));
    ca = makeKey(join(dir, 'ca'));
    const host = makeKey(join(dir, 'host'));
    const user = makeKey(join(dir, 'user'));
    const sign = (...how: string[]): unknown =>
      execFileSync('ssh-keygen', ['-q', '-s', ca.path, '-I', 'test', ...how], { stdio: 'ignore' });
    sign('-h', '-n', 'hop', `${host.path}.pub`);
    sign('-n', userInfo().username, `${user.path}.pub`);
    const config = [`TrustedUserCAKeys ${ca.path}.pub`, `HostCertificate ${host.path}-cert.pub`];
    [hop, node] = await Promise.all([startSshd({ hostKeys: [host.path], config }), startSshd()]);
    // Only the certificate lets anybody in there.
    writeFileSync(join(hop.dir, 'authorized_keys'), '');
    fleet = join(dir, 'fleet');
    mkdirSync(fleet);
    writeFileSync(
      join(fleet, 'fleet.yaml'),
      stringify({
        id: '01JQZ0000000000000000TEST0',
        name: 'test',
        bastions: { hop: { address: '127.0.0.1', port: hop.port, user: hop.user, identity: user.path } },
        nodes: {
          n1: { address: '127.0.0.1', port: node.port, user: node.user, identity: node.userKey.path, via: 'hop' },
          n2: { address: '127.0.0.1', port: 1, user: node.user, identity: node.userKey.path, via: 'hop' },
        },
      }),
    );
  });
  afterAll(async () => {
    await Promise.all([hop.stop(), node.stop()]);
    rmSync(dir, { recursive: true, force: true });
  });
  const edgectl = (...argv: string[]) =>
    runCli(argv, { env: { HOME: dir, EDGECTL_FLEET: fleet, TMPDIR: process.env['TMPDIR'] } });

  it('reads the node’s keys through it, pins them, and works with the node', async () => {
    const file = join(fleet, 'known_hosts');
    writeFileSync(file, `@cert-authority hop ${ca.line}\n`);
    const trusted = await edgectl('node', 'trust', 'n1', '--yes', '--json');
    expect(trusted.exitCode, trusted.stdout + trusted.stderr).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(`@cert-authority hop ${ca.line}\nn1 ${node.hostKeys[0]?.line}\n`);
    const ran = await edgectl('node', 'exec', 'n1', '--', 'echo', 'through');
    expect([ran.exitCode, ran.stdout]).toEqual([0, expect.stringContaining('through')]);
  });

  it('tells a node that is down from a bastion that is not who it should be', async () => {
    writeFileSync(join(fleet, 'known_hosts'), `@cert-authority hop ${ca.line}\n`);
    const down = await edgectl('node', 'trust', 'n2', '--yes', '--json');
    expect([down.exitCode, JSON.parse(down.stdout).result.nodes[0]]).toMatchObject([
      3,
      { state: 'unreachable', why: 'refused' },
    ]);
    const other = makeKey(join(dir, 'other-ca'));
    writeFileSync(join(fleet, 'known_hosts'), `@cert-authority hop ${other.line}\n`);
    const forged = await edgectl('node', 'trust', 'n1', '--yes', '--json');
    const [finding] = JSON.parse(forged.stdout).result.nodes;
    expect(finding.why).toMatch(/^host-key-/u);
    expect(finding.message).toContain('bastion hop');
  });
});
