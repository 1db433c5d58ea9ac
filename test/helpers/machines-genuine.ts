import type { Machine } from '../../src/lab/machines/machine.js';
import { debsNeed, fetchDeb } from './debs.js';
import type { Signer, TestBundle } from './machines-authority.js';
import { machinesNeed } from './machines.js';

/** Whether genuine builds can be rolled out over real machines here. */
export async function genuineNeed(): Promise<{ skip: boolean; reason: string }> {
  return machinesNeed.skip ? machinesNeed : debsNeed();
}

/** The components that move together, and the suite that has newer builds of them than the machines'. */
export const components = ['containerd', 'containerd-shim', 'runc'] as const;
const newerSuite = 'sid';

/** Genuine bundles newer than what Debian 13 machines come with. */
export async function genuineBundles(signer: Signer): Promise<TestBundle[]> {
  const containerd = await containerdDeb();
  const runc = await fetchDeb({ package: 'runc', suite: newerSuite });
  return Promise.all([
    signer.bundle('containerd', containerd),
    signer.bundle('containerd-shim', containerd),
    signer.bundle('runc', runc),
  ]);
}

/** A package with a newer build than the machines'. */
export function newerDeb(name: string): Promise<string> {
  return fetchDeb({ package: name, suite: newerSuite });
}

/** The package that the newer containerd comes from. */
export function containerdDeb(): Promise<string> {
  return fetchDeb({ package: 'containerd', suite: newerSuite });
}

/** What a slice says of bundles. */
export function wants(bundles: readonly TestBundle[]): Record<string, { version: string; digest: string }> {
  return Object.fromEntries(bundles.map(({ component, version, digest }) => [component, { version, digest }]));
}

/** What really runs on a machine: the daemon's own program, and what the daemon would find on its PATH. */
export async function runningVersions(machine: Machine): Promise<Record<(typeof components)[number], string>> {
  const text = await machine.sh(
    `pid=$(systemctl show -p MainPID --value containerd)
     /proc/$pid/exe --version | awk '{ print $3 }'
     export PATH=$(tr '\\0' '\\n' </proc/$pid/environ | sed -n 's/^PATH=//p')
     containerd-shim-runc-v2 -v | awk '$1 == "Version:" { print $2 }'
     runc --version | awk 'NR == 1 { print $3 }'`,
  );
  const [containerd = '', shim = '', runc = ''] = text.trim().split('\n').map(plain);
  return { containerd, 'containerd-shim': shim, runc };
}

/** A version without a distribution's suffix. */
export function plain(version: string): string {
  return version.replace(/[+~-].*/u, '');
}
