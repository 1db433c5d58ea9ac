import { createHash } from 'node:crypto';
import type { MachineSuite } from './types.js';

/** What makes a base root: packages, units that a lab machine does not want, and files. */
export interface BaseRecipe {
  suite: MachineSuite;
  packages: readonly string[];
  masked: readonly string[];
  /** Path below the root → content. */
  files: Readonly<Record<string, string>>;
  /** Path below the root → link target. */
  links: Readonly<Record<string, string>>;
}

const common = ['systemd', 'systemd-sysv', 'openssh-server', 'openssh-client', 'iproute2', 'dbus', 'sudo'];
const packages: Record<MachineSuite, readonly string[]> = {
  trixie: [...common, 'containerd', 'runc', 'curl', 'busybox-static'],
  bookworm: common,
};

// Without these, a machine is reachable a second after its start and settles as `running`.
const masked = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'console-getty.service',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'getty.target',
  'systemd-firstboot.service',
  'systemd-modules-load.service',
  'systemd-networkd-wait-online.service',
];

const cgroupUnit = `[Unit]
Description=Writable cgroup v1 controllers, so that containers can be made here
DefaultDependencies=no
Before=basic.target containerd.service
ConditionPathIsMountPoint=/sys/fs/cgroup/pids

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for c in cpu devices cpuacct pids freezer memory cpuset blkio; do mountpoint -q /sys/fs/cgroup/$$c && mount -o remount,bind,rw /sys/fs/cgroup/$$c; done; true'

[Install]
WantedBy=sysinit.target
`;

/** The recipe of a suite's base root. Nothing of edgectl is in it. */
export function baseRecipe(suite: MachineSuite): BaseRecipe {
  return {
    suite,
    packages: packages[suite],
    masked,
    files: {
      'etc/systemd/system/lab-cgroups.service': cgroupUnit,
      // containerd's --net-host binds these two into each container.
      'etc/hosts': '127.0.0.1 localhost\n',
      'etc/resolv.conf': '',
      // mmdebstrap copies the host's.
      'etc/hostname': 'localhost\n',
    },
    links: {
      'etc/systemd/system/sysinit.target.wants/lab-cgroups.service': '../lab-cgroups.service',
      'etc/systemd/system/multi-user.target.wants/systemd-networkd.service':
        '/usr/lib/systemd/system/systemd-networkd.service',
    },
  };
}

/** Name of a recipe's directory in the cache; another recipe has another name. */
export function baseName(recipe: BaseRecipe): string {
  return `${recipe.suite}-${createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 12)}`;
}
