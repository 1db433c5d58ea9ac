import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { debianMirror } from '../../src/lab/machines/debian-mirror.js';
import type { DebRequest } from '../../src/lab/machines/debs.js';
import * as debs from '../../src/lab/machines/debs.js';

export { hostDebArch } from '../../src/lab/machines/debs.js';

const exec = promisify(execFile);
const cacheDir = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '.cache', 'debs');
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Can packages be fetched here: apt-get, Debian's keyring, and a Debian archive that apt knows of and that answers? */
export async function debsNeed(): Promise<{ skip: boolean; reason: string }> {
  if (!existsSync('/usr/bin/apt-get')) return { skip: true, reason: 'apt-get is not installed' };
  if (!existsSync(keyring)) return { skip: true, reason: 'debian-archive-keyring is not installed' };
  const scratch = mkdtempSync(path.join(tmpdir(), 'edgectl-apt-'));
  try {
    const uri = `${await debianMirror()}/dists/sid/InRelease`;
    execFileSync('/usr/lib/apt/apt-helper', ['download-file', uri, path.join(scratch, 'InRelease')], {
      stdio: 'ignore',
      timeout: 20_000,
    });
    return { skip: false, reason: '' };
  } catch (error) {
    return { skip: true, reason: `no Debian archive: ${(error as Error).message.split('\n')[0]}` };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Fetches the newest build of a package in a suite; versions are resolved when the test runs, never written into one. */
export function fetchDeb(request: Omit<DebRequest, 'cacheDir'>): Promise<string> {
  return debs.fetchDeb({ ...request, cacheDir });
}

/** The upstream and Debian version of a .deb, as its control file says. */
export async function debVersion(file: string): Promise<string> {
  return (await exec('dpkg-deb', ['-f', file, 'Version'])).stdout.trim();
}
