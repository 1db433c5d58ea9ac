import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import { debianMirror } from './debian-mirror.js';
import { host } from './host-command.js';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const listsMaxAgeMs = 12 * 3600 * 1000;

/** A genuine Debian package to be fetched; its version is whatever the suite has then. */
export interface DebRequest {
  package: string;
  /** `bookworm`, `trixie`, `sid`, … */
  suite: string;
  /** Debian's name of an architecture; this machine's when absent. */
  arch?: string;
  /** Where package lists and packages are kept. */
  cacheDir: string;
}

/** Debian's name of this machine's architecture. */
export function hostDebArch(): string {
  const names: Record<string, string> = { x64: 'amd64', arm64: 'arm64', arm: 'armhf', riscv64: 'riscv64' };
  return names[process.arch] ?? process.arch;
}

/** Fetches the newest build of a package in a suite, through a private apt state; the path of the .deb in the cache. */
export async function fetchDeb(request: DebRequest): Promise<string> {
  const arch = request.arch ?? hostDebArch();
  const home = path.join(request.cacheDir, `${request.suite}-${arch}`);
  await mkdir(home, { recursive: true });
  return withLock(path.join(home, '.lock'), async () => {
    const options = await prepareApt(home, request.suite, arch);
    const listed = await apt([...options, 'download', '--print-uris', request.package], path.join(home, 'state'));
    const line = listed.trim().split('\n').at(-1);
    const name = line?.split(' ')[1];
    if (name === undefined || !name.endsWith('.deb'))
      throw new EdgectlError('LAB_UNSUPPORTED', { message: `apt names no file for ${request.package}: ${line}` });
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

async function prepareApt(home: string, suite: string, arch: string): Promise<string[]> {
  const state = path.join(home, 'state');
  await mkdir(path.join(state, 'lists', 'partial'), { recursive: true });
  await mkdir(path.join(home, 'apt-cache', 'archives', 'partial'), { recursive: true });
  const sources = path.join(home, 'sources.list');
  await writeFile(sources, `deb [signed-by=${keyring}] ${await debianMirror()} ${suite} main\n`);
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

/** apt-get downloads to where it stands. */
function apt(args: readonly string[], cwd: string): Promise<string> {
  return host(['apt-get', ...args], { cwd, timeoutMs: 300_000 });
}

/** Several processes share the cache; the lock's owner is asked for by pid, so that a killed one does not block. */
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
