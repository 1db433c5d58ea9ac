import type { LabPacker } from '../supply.js';
import { fetchDeb } from './debs.js';

/** The Debian suite whose builds are newer than the machines' own. */
export const newerSuite = 'sid';
const packages = ['containerd', 'runc'] as const;
/** What is packed from which package; the three move together in one transaction. */
const components: readonly { component: string; from: (typeof packages)[number] }[] = [
  { component: 'containerd', from: 'containerd' },
  { component: 'containerd-shim', from: 'containerd' },
  { component: 'runc', from: 'runc' },
];

/** A genuine build, packed and signed. */
export interface GenuineBundle {
  component: string;
  version: string;
  digest: string;
}

/** Fetches, packs and signs the genuine builds to roll out; answers them and where they were stored. */
export async function packGenuine(
  packer: LabPacker,
  cacheDir: string,
): Promise<{ bundles: GenuineBundle[]; paths: string[] }> {
  const debs = new Map<string, string>();
  for (const name of packages) debs.set(name, await fetchDeb({ package: name, suite: newerSuite, cacheDir }));
  const bundles: GenuineBundle[] = [];
  const paths: string[] = [];
  for (const { component, from } of components) {
    const { version, digest, path } = await packer.pack(component, debs.get(from) ?? '');
    bundles.push({ component, version, digest });
    paths.push(path);
  }
  return { bundles, paths };
}
