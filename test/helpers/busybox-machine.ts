import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { freePort, makeKey, type KeyPair } from './sshd.js';
import { until } from './until.js';

/** A root of its own with nothing but busybox, and dropbear as the only way in. */
export interface BusyboxMachine {
  port: number;
  /** Its host key, `type base64`. */
  hostKey: string;
  userKey: KeyPair;
  stop(): Promise<void>;
}

/** Starts one on loopback; needs root, unshare, busybox and dropbear. The login is root. */
export async function busyboxMachine(osRelease: string): Promise<BusyboxMachine> {
  const dir = mkdtempSync('/tmp/edgectl-busybox-');
  const root = join(dir, 'root');
  for (const name of ['bin', 'dev', 'etc/dropbear', 'proc', 'sys', 'root/.ssh', 'tmp', 'var/lib', 'run', 'usr/sbin'])
    mkdirSync(join(root, name), { recursive: true });
  copyFileSync(which('busybox'), join(root, 'bin/busybox'));
  const applets = execFileSync('busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const applet of applets) if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
  const dropbear = which('dropbear');
  copyFileSync(dropbear, join(root, 'usr/sbin/dropbear'));
  for (const library of librariesOf(dropbear)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
  writeFileSync(join(root, 'etc/os-release'), osRelease);
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n');
  writeFileSync(join(root, 'etc/shells'), '/bin/sh\n');
  const userKey = makeKey(join(dir, 'user'));
  writeFileSync(join(root, 'root/.ssh/authorized_keys'), `${userKey.line}\n`, { mode: 0o600 });
  for (const name of ['root', 'root/.ssh']) chmodSync(join(root, name), 0o700);
  const host = join(root, 'etc/dropbear/key');
  execFileSync('dropbearkey', ['-t', 'ed25519', '-f', host], { stdio: 'ignore' });
  const text = execFileSync('dropbearkey', ['-y', '-f', host], { encoding: 'utf8' });
  const [hostKey = ''] = /^ssh-ed25519 \S+/mu.exec(text) ?? [];
  const port = await freePort();
  const script = [
    'set -e',
    `mount -t proc proc ${root}/proc`,
    `for d in null zero urandom ptmx; do : >${root}/dev/$d; mount --bind /dev/$d ${root}/dev/$d; done`,
    `exec chroot ${root} /usr/sbin/dropbear -F -E -s -p 127.0.0.1:${port} -r /etc/dropbear/key -P /run/dropbear.pid`,
  ];
  const namespaces = ['-m', '--propagation', 'private', '--fork', '--pid', '--kill-child'];
  const child = spawn('unshare', [...namespaces, 'sh', '-c', script.join('\n')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const up = (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`dropbear ended: ${log}`);
    return new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      }).on('error', () => resolve(false));
    });
  };
  await until('dropbear listens', up);
  return {
    port,
    hostKey,
    userKey,
    stop: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function which(program: string): string {
  const path = `/usr/sbin:/sbin:${process.env['PATH'] ?? ''}`;
  return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8', env: { PATH: path } }).trim();
}

function librariesOf(program: string): string[] {
  const text = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...text.matchAll(/(?:=> )?(\/\S+) \(0x/gu)].map(([, file]) => file ?? '');
}
