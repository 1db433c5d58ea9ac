import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import path from 'node:path';

const cgroup2Magic = 0x63677270;
const programs: Readonly<Record<string, string>> = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  ip: 'iproute2',
  losetup: 'mount',
  'mkfs.ext4': 'e2fsprogs',
  'ssh-keygen': 'openssh-client',
  nsenter: 'util-linux',
  perl: 'perl-base',
};

/** What real lab machines need and this host lacks, one line each; empty when they can be started. */
export async function machinesLack(env: Readonly<Record<string, string | undefined>>, uid: number): Promise<string[]> {
  const lacking: string[] = [];
  if (process.platform !== 'linux') lacking.push('Linux');
  if (uid !== 0) lacking.push('root (overlays, loop devices, a bridge)');
  for (const [program, debianPackage] of Object.entries(programs))
    if (!(await onPath(program, env))) lacking.push(`${program} (apt-get install ${debianPackage})`);
  return lacking;
}

/** Does this host mount cgroup v2 alone? */
export async function hasUnifiedCgroups(): Promise<boolean> {
  return statfs('/sys/fs/cgroup').then(
    (found) => found.type === cgroup2Magic,
    () => false,
  );
}

async function onPath(program: string, env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  const dirs = `${env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`.split(':').filter(Boolean);
  for (const dir of dirs) {
    const found = await access(path.join(dir, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
