import { accessSync, appendFileSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What a test can need that a machine may not have. */
export type Need =
  | 'root'
  | 'nspawn'
  | 'sshd'
  | 'ssh'
  | 'ssh-keygen'
  | 'ssh-agent'
  | 'busybox'
  | 'dash'
  | 'shellcheck'
  | 'apt'
  | 'mmdebstrap'
  | 'ip'
  | 'nft'
  | 'loop'
  | 'mkfs'
  | 'dpkg-deb'
  | 'zstd'
  | 'git'
  | 'xmllint'
  | 'docker-registry'
  | 'skopeo'
  | 'curl'
  | 'systemd'
  | 'cgroup-delegation'
  | 'swtpm'
  | 'age'
  | 'openssl'
  | 'sudo'
  | 'unshare'
  | 'dropbear'
  | 'tinyproxy'
  | 'chromium'
  | 'script'
  | 'fish'
  | 'tmux';

const programs: Partial<Record<Need, readonly string[]>> = {
  nspawn: ['systemd-nspawn'],
  sshd: ['sshd', 'ssh-keygen'],
  ssh: ['ssh'],
  'ssh-keygen': ['ssh-keygen'],
  'ssh-agent': ['ssh-agent', 'ssh-add'],
  busybox: ['busybox'],
  dash: ['dash'],
  shellcheck: ['shellcheck'],
  apt: ['apt-get'],
  mmdebstrap: ['mmdebstrap'],
  ip: ['ip'],
  nft: ['nft'],
  loop: ['losetup', 'mount'],
  mkfs: ['mkfs.ext4'],
  'dpkg-deb': ['dpkg-deb'],
  zstd: ['zstd'],
  git: ['git'],
  xmllint: ['xmllint'],
  swtpm: ['swtpm', 'swtpm_setup', 'swtpm_localca', 'tpm2_quote'],
  age: ['age', 'age-keygen'],
  openssl: ['openssl'],
  sudo: ['sudo'],
  unshare: ['unshare'],
  dropbear: ['dropbear', 'dropbearkey'],
  tinyproxy: ['tinyproxy'],
  chromium: ['chromium'],
  script: ['script'],
  fish: ['fish'],
  tmux: ['tmux'],
  'docker-registry': ['docker-registry'],
  skopeo: ['skopeo'],
  curl: ['curl'],
};

/** Says whether a test must be skipped on this machine and why; with EDGECTL_REQUIRE_ALL=1 any skip fails the test run. */
export function requires(...needs: Need[]): { skip: boolean; reason: string } {
  const missing = needs.flatMap((need) => missingFor(need));
  const reason = missing.length === 0 ? '' : `needs ${[...new Set(missing)].join(', ')}`;
  if (missing.length > 0) record(reason);
  return { skip: missing.length > 0, reason };
}

/** Leaves the reason where `npm test` finds it; vitest itself forgets why something was skipped. */
function record(reason: string): void {
  const log = process.env['EDGECTL_SKIP_LOG'];
  if (log === undefined) return;
  const file = /(?<file>[^\s(/]+\.test\.ts)/.exec(new Error().stack ?? '')?.groups?.['file'] ?? 'a test';
  appendFileSync(log, `${JSON.stringify({ file, reason })}\n`);
}

function missingFor(need: Need): string[] {
  if (need === 'root') return process.getuid?.() === 0 ? [] : ['root'];
  if (need === 'systemd') return existsSync('/run/systemd/system') ? [] : ['a running systemd'];
  if (need === 'cgroup-delegation') return existsSync('/sys/fs/cgroup') ? [] : ['cgroups'];
  const absent = (programs[need] ?? []).filter((name) => !onPath(name));
  const machineNeedsRoot = need === 'nspawn' || need === 'loop';
  return machineNeedsRoot && process.getuid?.() !== 0 ? [...absent, 'root'] : absent;
}

function onPath(program: string): boolean {
  const dirs = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return dirs.some((dir) => {
    try {
      accessSync(join(dir, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
