import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { until } from './until.js';

/** A key pair on disk. */
export interface KeyPair {
  path: string;
  /** `type base64`, without a comment. */
  line: string;
  type: string;
  key: string;
}

/** Make a key pair with ssh-keygen. */
export function makeKey(path: string, type = 'ed25519', passphrase = ''): KeyPair {
  const bits = type === 'rsa' ? ['-b', '2048'] : [];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...bits, '-N', passphrase, '-C', '', '-f', path]);
  const [name = '', key = ''] = readFileSync(`${path}.pub`, 'utf8').trim().split(' ');
  return { path, line: `${name} ${key}`, type: name, key };
}

/** What the tests may set on an sshd. */
export interface SshdOptions {
  /** Private host key files; an ed25519 key is made when absent. */
  hostKeys?: string[];
  /** Lines added to sshd_config. */
  config?: string[];
  /** Public keys that may log in; a key `user` is made in the directory when absent. */
  authorized?: string[];
  port?: number;
  /** The loopback address to listen on; 127.0.0.1 when absent. */
  address?: '127.0.0.1' | '::1';
  /** Directories put in front of PATH for sessions. */
  path?: string[];
  /** A program with its arguments that runs the sshd, in a namespace of its own, for one. */
  within?: string[];
}

/** A real sshd on a high loopback port, run by this user. */
export interface TestSshd {
  port: number;
  pid: number;
  dir: string;
  user: string;
  /** The client key that may log in. */
  userKey: KeyPair;
  hostKeys: KeyPair[];
  stop(): Promise<void>;
}

/** A free loopback port. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Start an sshd and wait until it accepts connections. */
export async function startSshd(options: SshdOptions = {}): Promise<TestSshd> {
  const dir = mkdtempSync(join(tmpdir(), 'edgectl-sshd-'));
  const hostKeys = options.hostKeys?.map(readPair) ?? [makeKey(join(dir, 'host'))];
  const userKey = makeKey(join(dir, 'user'));
  const authorized = join(dir, 'authorized_keys');
  writeFileSync(authorized, [userKey.line, ...(options.authorized ?? [])].join('\n') + '\n', { mode: 0o600 });
  const address = options.address ?? '127.0.0.1';
  const port = options.port ?? (await freePort(address));
  const config = join(dir, 'sshd_config');
  const path = [...(options.path ?? []), '/usr/local/bin', '/usr/bin', '/bin'].join(':');
  writeFileSync(
    config,
    [
      `Port ${port}`,
      `ListenAddress ${address}`,
      ...hostKeys.map((key) => `HostKey ${key.path}`),
      `AuthorizedKeysFile ${authorized}`,
      `PidFile ${join(dir, 'pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin yes',
      'LogLevel ERROR',
      `SetEnv PATH=${path}`,
      ...(options.config ?? []),
    ].join('\n') + '\n',
  );
  // sshd's privilege separation directory; only root needs and can make it.
  if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 });
  const [program = '', ...args] = [...(options.within ?? []), '/usr/sbin/sshd', '-D', '-e', '-f', config];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await listening({ host: address, port }, child, () => log);
  return { port, pid: child.pid ?? 0, dir, user: userInfo().username, userKey, hostKeys, stop: () => stop(child, dir) };
}

function readPair(path: string): KeyPair {
  const [type = '', key = ''] = readFileSync(`${path}.pub`, 'utf8').trim().split(' ');
  return { path, line: `${type} ${key}`, type, key };
}

async function listening(at: { host: string; port: number }, child: ChildProcess, log: () => string): Promise<void> {
  const up = (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${log()}`);
    return new Promise<boolean>((resolve) => {
      const socket = connect(at, () => resolve(true)).on('error', () => resolve(false));
      socket.once('close', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
  };
  await until('sshd listens', up, { every: 25 }).catch((error: unknown) => {
    throw new Error(log(), { cause: error });
  });
}

async function stop(child: ChildProcess, dir: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    // Stopped processes take a signal only when they go on.
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await gone;
  }
  rmSync(dir, { recursive: true, force: true });
}
