import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildKit } from '../../src/node/kit-build.js';
import { privateEtc } from './private-etc.js';
import { startSshd, type TestSshd } from './sshd.js';

/** A real sshd whose sessions see an /etc, a sudo state and a /usr/local/sbin of their own: users, passwords and sudoers are the test's. */
export interface SudoMachine {
  sshd: TestSshd;
  /** A login without root. */
  user: string;
  /** Replaces the rules of sudo for that login. */
  sudoers(...lines: string[]): void;
  /** Replaces PAM's rules for sudo. */
  pam(...lines: string[]): void;
  /** A directory that root's programs there and the test see. */
  scratch: string;
  stop(): Promise<void>;
}

/** Starts one; needs root, sudo and unshare. The real kit lies at its place there, unprepared but for a name. */
export async function sudoMachine(password: string): Promise<SudoMachine> {
  const user = 'operator';
  const dir = mkdtempSync('/tmp/edgectl-sudo-');
  chmodSync(dir, 0o755);
  const [etc, sbin, scratch] = ['etc', 'sbin', 'scratch'].map((name) => join(dir, name)) as [string, string, string];
  for (const name of ['sbin', 'lib', 'run', 'scratch']) mkdirSync(join(dir, name));
  privateEtc(etc, { [user]: { password } });
  mkdirSync(join(etc, 'edgectl'));
  writeFileSync(join(etc, 'edgectl/node.conf'), 'node=n1\nfleet=test\n');
  const kit = await buildKit({ init: 'systemd', lab: false, version: '0.0.0', builtAt: 1 });
  writeFileSync(join(sbin, 'edgectl-node'), kit, { mode: 0o755 });
  const sudoers = (...lines: string[]): void => {
    rmSync(join(etc, 'sudoers.d'), { recursive: true, force: true });
    rmSync(join(etc, 'sudoers'), { force: true });
    writeFileSync(join(etc, 'sudoers'), `${lines.join('\n')}\n`, { mode: 0o440 });
  };
  sudoers('Defaults env_reset');
  const mounts = [
    [etc, '/etc'],
    [sbin, '/usr/local/sbin'],
    [join(dir, 'lib'), '/var/lib/sudo'],
    [join(dir, 'run'), '/run/sudo'],
  ];
  const script = [
    'set -e',
    'mkdir -p /run/sudo',
    ...mounts.map(([from, to]) => `mount --bind ${from} ${to}`),
    'exec "$@"',
  ];
  const sshd = await startSshd({
    within: ['unshare', '-m', '--propagation', 'private', 'sh', '-c', script.join('\n'), 'sh'],
  });
  // sshd reads the keys as the user that logs in.
  chmodSync(sshd.dir, 0o755);
  chmodSync(join(sshd.dir, 'authorized_keys'), 0o644);
  return {
    sshd,
    user,
    sudoers,
    pam: (...lines) => writeFileSync(join(etc, 'pam.d/sudo'), `${lines.join('\n')}\n`),
    scratch,
    stop: async () => {
      await sshd.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
