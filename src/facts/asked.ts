/** What is asked for by name, beside what every node answers anyway. */
export interface Asked {
  sysctls: readonly string[];
  modules: readonly string[];
  files: readonly string[];
  packages: readonly string[];
  units: readonly string[];
  certificates: readonly string[];
  runtimes: readonly string[];
}

/** What is asked of a node of which nothing special is wanted: enough for nodes to be compared with their peers. */
export const usuallyAsked: Asked = {
  sysctls: [
    'fs.file-max',
    'fs.inotify.max_user_instances',
    'fs.inotify.max_user_watches',
    'kernel.dmesg_restrict',
    'kernel.kptr_restrict',
    'kernel.panic',
    'kernel.pid_max',
    'net.bridge.bridge-nf-call-iptables',
    'net.core.somaxconn',
    'net.ipv4.conf.all.rp_filter',
    'net.ipv4.ip_forward',
    'net.ipv6.conf.all.forwarding',
    'vm.overcommit_memory',
    'vm.swappiness',
  ],
  modules: ['br_netfilter', 'overlay'],
  files: ['/etc/ssh/sshd_config', '/etc/sudoers'],
  packages: ['containerd', 'libc6', 'openssh-server', 'runc', 'sudo', 'systemd'],
  units: ['containerd.service', 'ssh.service'],
  certificates: [],
  runtimes: ['containerd', 'runc'],
};

/** Both together, each name once, in byte order: the same question gives the same digest. */
export function askedTogether(a: Asked, b: Partial<Asked>): Asked {
  const join = (key: keyof Asked): string[] => [...new Set([...a[key], ...(b[key] ?? [])])].sort();
  return {
    sysctls: join('sysctls'),
    modules: join('modules'),
    files: join('files'),
    packages: join('packages'),
    units: join('units'),
    certificates: join('certificates'),
    runtimes: join('runtimes'),
  };
}

/** The request of the verb `observe`. `known` are the digests that the operator saw last. */
export function observeRequest(
  asked: Asked,
  known: Readonly<Record<string, string>>,
  budgetS: number,
): Record<string, string> {
  const fields = {
    known: Object.entries(known)
      .map(([section, digest]) => `${section}:${digest}`)
      .join(','),
    budget: String(budgetS),
    sysctls: asked.sysctls.join(','),
    modules: asked.modules.join(','),
    packages: asked.packages.join(','),
    units: asked.units.join(','),
    runtimes: asked.runtimes.join(','),
    files: lines(asked.files),
    certificates: lines(asked.certificates),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}

/** Paths may hold a comma. */
function lines(paths: readonly string[]): string {
  return paths.filter((path) => !path.includes('\n')).join('\n');
}
