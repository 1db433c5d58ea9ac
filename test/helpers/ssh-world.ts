import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, type CliOutcome } from './cli.js';
import { privateEtc } from './private-etc.js';
import { makeKey } from './sshd.js';
import { until } from './until.js';

/** A network of its own, 10.231.0.0/16, in which every address leads to the same sshds; a port each, with a host key each. */
export interface SshWorldOptions {
  users: readonly string[];
  /** Lines of sshd_config by port. */
  sshds: Readonly<Record<number, readonly string[]>>;
  /** Names of /etc/hosts there. */
  hosts: Readonly<Record<string, string>>;
  /** Private keys below ~/.ssh that may log in. */
  keys: readonly string[];
}

/** Real sshds that fixtures can name by the addresses that they have; needs root. */
export class SshWorld {
  private constructor(
    readonly home: string,
    private readonly holder: ChildProcess,
    private readonly dir: string,
  ) {}

  static async start(options: SshWorldOptions): Promise<SshWorld> {
    const dir = mkdtempSync('/tmp/edgectl-world-');
    chmodSync(dir, 0o755);
    const [etc, home] = [join(dir, 'etc'), join(dir, 'home')];
    mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 });
    privateEtc(etc, Object.fromEntries(options.users.map((user) => [user, {}])), options.hosts);
    const pair = makeKey(join(dir, 'user'));
    for (const key of options.keys) copyFileSync(pair.path, join(home, '.ssh', key));
    writeFileSync(join(dir, 'authorized_keys'), `${pair.line}\n`, { mode: 0o644 });
    mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    const daemons = Object.entries(options.sshds).map(([port, lines]) => {
      const key = makeKey(join(dir, `host-${port}`));
      const file = join(dir, `sshd-${port}`);
      const common = [
        'UsePAM no',
        'StrictModes no',
        'LogLevel ERROR',
        'MaxStartups 300',
        'MaxSessions 300',
        'PidFile none',
      ];
      const own = [`Port ${port}`, `HostKey ${key.path}`, `AuthorizedKeysFile ${dir}/authorized_keys`];
      writeFileSync(file, [...lines, ...common, ...own].join('\n'));
      return `/usr/sbin/sshd -D -e -f ${file} &`;
    });
    const script = [
      'set -e',
      `mount --bind ${etc} /etc`,
      'ip link set lo up',
      'ip route add local 10.231.0.0/16 dev lo',
      ...daemons,
      'wait',
    ];
    const namespaces = ['-n', '-m', '--propagation', 'private', '--fork', '--pid', '--kill-child'];
    const holder = spawn('unshare', [...namespaces, 'sh', '-c', script.join('\n')], { stdio: 'ignore' });
    const world = new SshWorld(home, holder, dir);
    for (const port of Object.keys(options.sshds)) {
      await until(
        `an sshd listens on ${port}`,
        async () => (await world.run(['ssh-keyscan', '-p', port, '10.231.0.1'])).stdout !== '',
      );
    }
    return world;
  }

  /** Runs edgectl there, as a person with that home. */
  edgectl(cwd: string, ...argv: string[]): Promise<CliOutcome> {
    return this.run([process.execPath, `${root}bin/run.js`, ...argv], cwd);
  }

  /** Runs a program there. */
  async run(argv: readonly string[], cwd = '/'): Promise<CliOutcome> {
    const enter = ['-t', String(this.holder.pid), '-n', '-m', '--', 'env', '-C', cwd, ...argv];
    const child = spawn('nsenter', enter, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: this.home, USER: 'ada' },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const exitCode = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 255)));
    return { exitCode, stdout, stderr };
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.holder.once('exit', resolve));
    this.holder.kill('SIGKILL');
    await gone;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
