import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import NodeExec from '../../../src/commands/node/exec.js';
import NodeFacts from '../../../src/commands/node/facts.js';
import NodeTrust from '../../../src/commands/node/trust.js';
import { writeFleet } from '../../helpers/fleet-repo.js';
import { requires } from '../../helpers/requires.js';
import { runCommand, type CommandRun } from '../../helpers/run-command.js';
import { freePort, makeKey, startSshd, type TestSshd } from '../../helpers/sshd.js';

const need = requires('sshd');

describe.skipIf(need.skip)('node commands over real sshds', () => {
  let sshd: TestSshd;
  let fleet: string;
  const known = (): string => readFileSync(join(fleet, 'known_hosts'), 'utf8');

  beforeAll(async () => {
    sshd = await startSshd();
    const here = { address: '127.0.0.1', port: sshd.port, user: sshd.user, identity: [sshd.userKey.path] };
    fleet = writeFleet({ 'edge-001': here, 'edge-002': here, 'edge-off': { ...here, port: await freePort() } });
    writeFileSync(join(fleet, 'known_hosts'), '# kept\n');
  });
  afterAll(async () => {
    await sshd.stop();
    rmSync(fleet, { recursive: true, force: true });
  });

  const run = (command: Parameters<typeof runCommand>[0], id: string, ...argv: string[]): Promise<CommandRun> =>
    runCommand(command, `node:${id}`, argv, { cwd: fleet });

  it('does not talk to a node that nobody trusts: 4, with the fingerprint that it offers', async () => {
    const result = await run(NodeExec, 'exec', 'edge-001', '--json', '--', 'true');
    expect(result.exitCode).toBe(4);
    expect(result.stdout).toContain('host-key-unknown');
    const print =
      execFileSync('ssh-keygen', ['-lf', `${sshd.hostKeys[0]?.path}.pub`])
        .toString()
        .split(' ')[1] ?? '';
    expect(result.stdout).toContain(print);
  });

  it('pins nothing without a yes, and shows what it would pin', async () => {
    const result = await run(NodeTrust, 'trust', 'edge-001');
    expect(result.exitCode).toBe(64);
    expect(result.stderr).toMatch(/edge-001 \(127\.0\.0\.1 port \d+\) offers\n {2}ED25519 SHA256:/u);
    expect(known()).toBe('# kept\n');
  });

  it('pins all keys with --yes, keeps the rest of the file, and has nothing to do the second time', async () => {
    expect(await run(NodeTrust, 'trust', 'edge-001', 'edge-002', '--yes')).toMatchObject({ exitCode: 0 });
    const line = sshd.hostKeys[0]?.line ?? '';
    expect(known()).toBe(`# kept\nedge-001 ${line}\nedge-002 ${line}\n`);
    const again = await run(NodeTrust, 'trust', 'edge-001', '--json');
    expect(again.exitCode).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ result: { nodes: [{ id: 'edge-001', state: 'same' }] } });
  });

  it('refuses changed keys with both fingerprints unless they shall be replaced', async () => {
    const stranger = makeKey(join(sshd.dir, `stranger-${sshd.port}`));
    const before = known();
    writeFileSync(join(fleet, 'known_hosts'), `edge-001 ${stranger.line}\n`);
    const refused = await run(NodeTrust, 'trust', 'edge-001', '--yes');
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toMatch(/was pinned, no longer offered/u);
    expect(known()).toBe(`edge-001 ${stranger.line}\n`);
    expect(await run(NodeTrust, 'trust', 'edge-001', '--yes', '--replace')).toMatchObject({ exitCode: 0 });
    expect(known()).toBe(`edge-001 ${sshd.hostKeys[0]?.line}\n`);
    writeFileSync(join(fleet, 'known_hosts'), before);
  });

  it('never pins a revoked key', async () => {
    const before = known();
    writeFileSync(join(fleet, 'known_hosts'), `@revoked * ${sshd.hostKeys[0]?.line}\n`);
    expect(await run(NodeTrust, 'trust', 'edge-001', '--yes', '--replace')).toMatchObject({ exitCode: 4 });
    writeFileSync(join(fleet, 'known_hosts'), before);
  });

  it('ends a trust with 3 when a node is out of reach', async () => {
    expect(await run(NodeTrust, 'trust', 'edge-off', '--yes')).toMatchObject({ exitCode: 3 });
  });

  it('runs an argv, folds nodes that say the same, and escapes what they say', async () => {
    const result = await run(NodeExec, 'exec', 'edge-00*', '--yes', '--', 'printf', 'a\\033[2Jb\\n');
    expect(result).toMatchObject({ exitCode: 0, stdout: 'edge-[001,002]  status 0\na\\x1b[2Jb\n' });
  });

  it('ends with 1 when the command failed anywhere, 3 when a node was only out of reach', async () => {
    expect(await run(NodeExec, 'exec', 'edge-001', '--', 'sh', '-c', 'exit 3')).toMatchObject({ exitCode: 1 });
    const off = await run(NodeExec, 'exec', '--all', '--yes', '--json', '--', 'true');
    expect(off.exitCode).toBe(3);
    expect(JSON.parse(off.stdout)).toMatchObject({
      result: { nodes: [{ verdict: 'ok' }, { verdict: 'ok' }, { node: 'edge-off', verdict: 'unreachable' }] },
    });
  });

  it('cuts what floods and counts it as failed', async () => {
    const result = await run(NodeExec, 'exec', 'edge-001', '--json', '--', 'yes');
    const envelope = JSON.parse(result.stdout) as { result: { nodes: { truncated: boolean; stdout: string }[] } };
    expect(result.exitCode).toBe(1);
    expect(envelope.result.nodes[0]).toMatchObject({ truncated: true });
    expect(envelope.result.nodes[0]?.stdout.length).toBe(256 * 1024);
  });

  it('wants a selector, a command, and a yes for more than one node', async () => {
    expect(await run(NodeExec, 'exec', '--', 'true')).toMatchObject({ exitCode: 64 });
    expect(await run(NodeExec, 'exec', 'edge-001')).toMatchObject({ exitCode: 64 });
    expect(await run(NodeExec, 'exec', 'edge-00*', '--', 'true')).toMatchObject({ exitCode: 64 });
    expect(await run(NodeExec, 'exec', 'edge-009', '--', 'true')).toMatchObject({ exitCode: 64 });
  });

  it('reads facts of nodes without a kit, and folds nodes that look alike', async () => {
    const result = await run(NodeFacts, 'facts', 'edge-001', 'edge-002');
    expect(result.exitCode).toBe(0);
    const kernel = execFileSync('uname', ['-r']).toString().trim();
    expect(result.stdout).toMatch(/^edge-\[001,002\]\s/mu);
    expect(result.stdout).toContain(kernel);
  });

  it('gives facts as data, with the nodes that are out of reach and why', async () => {
    const result = await run(NodeFacts, 'facts', '--json');
    expect(result.exitCode).toBe(3);
    const { nodes } = (JSON.parse(result.stdout) as { result: { nodes: Record<string, unknown>[] } }).result;
    expect(nodes[0]).toMatchObject({
      id: 'edge-001',
      kit: false,
      kernel: execFileSync('uname', ['-r']).toString().trim(),
    });
    expect(nodes[2]).toMatchObject({ id: 'edge-off', why: 'refused' });
  });
});

describe.skipIf(need.skip)('a login that needs sudo', () => {
  let sshd: TestSshd;
  let fleet: string;
  let bin: string;

  beforeAll(async () => {
    const first = await freePort();
    bin = join('/tmp', `edgectl-bin-${process.pid}-${first}`);
    mkdirSync(bin);
    sshd = await startSshd({ path: [bin] });
    fleet = writeFleet({
      n1: { address: '127.0.0.1', port: sshd.port, user: sshd.user, identity: [sshd.userKey.path] },
    });
    writeFileSync(join(fleet, 'known_hosts'), `n1 ${sshd.hostKeys[0]?.line}\n`);
  });
  afterAll(async () => {
    await sshd.stop();
    for (const dir of [fleet, bin]) rmSync(dir, { recursive: true, force: true });
  });

  const tool = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };

  it('calls the kit as `sudo -n` with its own path, and names a refusal', async () => {
    const { createNodeClient } = await import('../../../src/node/client.js');
    const { createSshTransport } = await import('../../../src/transport/ssh/transport.js');
    const { fileKnownHosts } = await import('../../../src/transport/known-hosts/file.js');
    const transport = createSshTransport({ knownHosts: fileKnownHosts(join(fleet, 'known_hosts')) });
    // The login here is whoever runs the tests; a transport that logs in under that name for `edgectl` shows the sudo way.
    const asTester = {
      connect: (target: Parameters<typeof transport.connect>[0], options?: Parameters<typeof transport.connect>[1]) =>
        transport.connect({ ...target, user: sshd.user }, options),
      close: () => transport.close(),
    };
    const client = createNodeClient({
      transport: asTester,
      target: (nodeId) => ({
        nodeId,
        host: '127.0.0.1',
        port: sshd.port,
        user: 'edgectl',
        identityFiles: [sshd.userKey.path],
      }),
    });
    const hello = { verb: 'hello' as const, fields: {}, timeoutMs: 20_000 };
    tool('sudo', 'echo "sudo: a password is required" >&2; exit 1');
    expect(await client.call('n1', hello)).toMatchObject({ kind: 'refused', code: 'SUDO_PASSWORD' });
    tool('sudo', 'echo "sudo: $2: command not found" >&2; exit 1');
    expect(await client.call('n1', hello)).toMatchObject({ kind: 'refused', code: 'NO_KIT' });
    tool('sudo', 'cat >/dev/null; printf \'{"t":"hello","argv":"%s"}\\n{"t":"end","ok":true}\\n\' "$*"');
    expect(await client.call('n1', hello)).toEqual({
      kind: 'ok',
      lines: [{ t: 'hello', argv: '-n /usr/local/sbin/edgectl-node hello' }],
    });
    await transport.close();
  });
});
