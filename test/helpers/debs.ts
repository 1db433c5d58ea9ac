import { execFile, execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const cacheRoot = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '.cache', 'debs');
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const mirror = 'http://deb.debian.org/debian';
const listsMaxAgeMs = 12 * 3600 * 1000;

/** A genuine Debian package to be fetched; versions are resolved when the test runs, never written into one. */
export interface DebRequest {
  package: string;
  /** `bookworm`, `trixie`, `sid`, … */
  suite: string;
  /** Debian's name of an architecture; this machine's by default. */
  arch?: string;
}

/** Debian's name of this machine's architecture. */
export function hostDebArch(): string {
  const names: Record<string, string> = { x64: 'amd64', arm64: 'arm64', arm: 'armhf', riscv64: 'riscv64' };
  return names[process.arch] ?? process.arch;
}

/** Can packages be fetched here: apt-get, Debian's keyring, and a mirror that answers? */
export function debsNeed(): { skip: boolean; reason: string } {
  if (!existsSync('/usr/bin/apt-get')) return { skip: true, reason: 'apt-get is not installed' };
  if (!existsSync(keyring)) return { skip: true, reason: 'debian-archive-keyring is not installed' };
  const scratch = mkdtempSync(path.join(tmpdir(), 'edgectl-apt-'));
  try {
    const target = path.join(scratch, 'InRelease');
    execFileSync('/usr/lib/apt/apt-helper', ['download-file', `${mirror}/dists/sid/InRelease`, target], {
      stdio: 'ignore',
      timeout: 20_000,
    });
    return { skip: false, reason: '' };
  } catch {
    return { skip: true, reason: `${mirror} cannot be reached` };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Fetches the newest build of a package in a suite, through a private apt state; the path of the .deb in `.cache/debs`. */
export async function fetchDeb(request: DebRequest): Promise<string> {
  const arch = request.arch ?? hostDebArch();
  const home = path.join(cacheRoot, `${request.suite}-${arch}`);
  await mkdir(home, { recursive: true });
  return withLock(path.join(home, '.lock'), async () => {
    const options = await prepareApt(home, request.suite, arch);
    const line = (await apt([...options, 'download', '--print-uris', request.package], path.join(home, 'state')))
      .trim()
      .split('\n')
      .at(-1);
    const name = line?.split(' ')[1];
    if (name === undefined || !name.endsWith('.deb'))
      throw new Error(`apt names no file for ${request.package}: ${line}`);
    const wanted = path.join(home, name);
    if (existsSync(wanted)) return wanted;
    const scratch = await mkdtemp(path.join(home, 'get-'));
    try {
      await apt([...options, 'download', request.package], scratch);
      await rename(path.join(scratch, name), wanted);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return wanted;
  });
}

/** The upstream and Debian version of a .deb, as its control file says. */
export async function debVersion(file: string): Promise<string> {
  return (await exec('dpkg-deb', ['-f', file, 'Version'])).stdout.trim();
}

async function prepareApt(home: string, suite: string, arch: string): Promise<string[]> {
  const state = path.join(home, 'state');
  await mkdir(path.join(state, 'lists', 'partial'), { recursive: true });
  await mkdir(path.join(home, 'apt-cache', 'archives', 'partial'), { recursive: true });
  const sources = path.join(home, 'sources.list');
  await writeFile(sources, `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  await writeFile(path.join(home, 'status'), '');
  // Neither the host's package lists nor its hooks are touched.
  const settings = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '-',
    'Dir::State': state,
    'Dir::State::status': path.join(home, 'status'),
    'Dir::Cache': path.join(home, 'apt-cache'),
    'APT::Architecture': arch,
    'APT::Architectures': arch,
    'APT::Sandbox::User': 'root',
    'APT::Update::Post-Invoke-Success': '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
  };
  const options = ['-qq', ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])];
  const marker = path.join(home, '.updated');
  const age = await stat(marker).then(
    (found) => Date.now() - found.mtimeMs,
    () => Infinity,
  );
  if (age > listsMaxAgeMs) {
    await apt([...options, 'update', '--error-on=any'], home);
    await writeFile(marker, '');
  }
  return options;
}

async function apt(args: string[], cwd: string): Promise<string> {
  const { stdout } = await exec('apt-get', args, { cwd, timeout: 300_000, maxBuffer: 1 << 24 });
  return stdout;
}

/** Several test processes share the cache; the lock's owner is asked for by pid, so that a killed one does not block. */
async function withLock<T>(lock: string, body: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch {
      const owner = Number(await readFile(lock, 'utf8').catch(() => '0'));
      if (owner > 0 && !isAlive(owner)) await rm(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  try {
    return await body();
  } finally {
    await rm(lock, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
