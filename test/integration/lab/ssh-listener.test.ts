import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeKeyPair } from '../../../src/lab/key-pair.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExecRefused, SshListener } from '../../../src/lab/ssh-listener.js';
import { freePorts } from '../../../src/lab/ports.js';

interface Result {
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

const host = makeKeyPair();
const client = makeKeyPair();
const stranger = makeKeyPair();
let dir: string;
let port: number;
let listener: SshListener;

/** The system's own OpenSSH client. */
function ssh(args: string[], options: { key?: string; user?: string; input?: Buffer } = {}): ChildProcess {
  const common = ['-F', '/dev/null', '-o', `UserKnownHostsFile=${join(dir, 'known_hosts')}`, '-o', 'BatchMode=yes'];
  const child = spawn('ssh', [
    ...common,
    ...[
      '-o',
      'IdentitiesOnly=yes',
      '-o',
      'IdentityAgent=none',
      '-o',
      'ConnectTimeout=2',
      '-i',
      join(dir, options.key ?? 'client'),
    ],
    ...['-p', String(port), `${options.user ?? 'edgectl'}@127.0.0.1`, ...args],
  ]);
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input);
  return child;
}

async function result(child: ChildProcess): Promise<Result> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString('utf8') };
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lab-ssh-'));
  port = (await freePorts(1))[0] ?? 0;
  await writeFile(join(dir, 'client'), client.private, { mode: 0o600 });
  await writeFile(join(dir, 'stranger'), stranger.private, { mode: 0o600 });
  await writeFile(join(dir, 'known_hosts'), `[127.0.0.1]:${port} ${host.public}\n`);
  listener = new SshListener({
    port,
    hostKey: host.private,
    user: 'edgectl',
    clientKey: client.public,
    run: (command) =>
      command === 'refused'
        ? Promise.reject(new ExecRefused(126, 'no\n'))
        : Promise.resolve(spawn('sh', ['-c', command])),
  });
  await listener.open();
});

afterAll(async () => {
  await listener.close();
  await rm(dir, { recursive: true, force: true });
});

describe('the sshd of a lab node, asked by OpenSSH', () => {
  it('runs a command and gives back both streams and the exit status', async () => {
    const { code, stdout, stderr } = await result(ssh(['echo out; echo err >&2; exit 7']));
    expect([code, stdout.toString(), stderr]).toEqual([7, 'out\n', 'err\n']);
  });

  it('carries megabytes both ways unchanged', async () => {
    const input = Buffer.alloc(5 * 1024 * 1024, 'edgectl\n');
    const { code, stdout } = await result(ssh(['cat'], { input }));
    expect(code).toBe(0);
    expect(stdout.equals(input)).toBe(true);
  });

  it('survives a command that does not read its input', async () => {
    const { code } = await result(ssh(['exec true'], { input: Buffer.alloc(1024 * 1024) }));
    expect(code).toBe(0);
  });

  it('reports a command that was ended by a signal', async () => {
    const { code, stderr } = await result(ssh(['kill -TERM $$']));
    expect(code).toBe(255);
    expect(stderr).not.toContain('No such');
  });

  it('says why a command was refused', async () => {
    expect(await result(ssh(['refused']))).toMatchObject({ code: 126, stderr: 'no\n' });
  });

  it('rejects a key that it does not know, and another user', async () => {
    expect((await result(ssh(['true'], { key: 'stranger' }))).stderr).toContain('Permission denied');
    expect((await result(ssh(['true'], { user: 'root' }))).stderr).toContain('Permission denied');
  });

  it('refuses connections while it is closed and cuts those that were open', async () => {
    const running = ssh(['echo ready; sleep 60']);
    if (running.stdout) await once(running.stdout, 'data');
    const ended = result(running);
    await listener.close();
    expect((await ended).code).toBe(255);
    expect((await result(ssh(['true']))).stderr).toContain('Connection refused');
    await listener.open();
    expect((await result(ssh(['true']))).code).toBe(0);
  });

  it('accepts but never answers while it hangs, and answers again afterwards', async () => {
    listener.hang();
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    let heard = 0;
    socket.on('data', (chunk) => (heard += chunk.length));
    expect((await result(ssh(['true']))).stderr).toContain('timed out');
    expect(heard).toBe(0);
    listener.unhang();
    await once(socket, 'close');
    expect((await result(ssh(['true']))).code).toBe(0);
  });
});
