import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import { host } from './host-command.js';

/** A package of a Debian suite; its newest build is meant. */
export interface DebianPackage {
  name: string;
  suite: string;
}

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const mirror = 'http://deb.debian.org/debian';
const listsMaxAgeMs = 12 * 3600 * 1000;

/** Fetches a .deb through an apt state of its own, signatures checked; the host's apt is not touched. The file's path. */
export async function fetchDebianPackage(wanted: DebianPackage, cacheDir: string, now: Date): Promise<string> {
  const home = path.join(cacheDir, `debian-${wanted.suite}`);
  const files = path.join(home, wanted.name);
  await mkdir(path.join(home, 'state/lists/partial'), { recursive: true });
  await mkdir(path.join(home, 'cache/archives/partial'), { recursive: true });
  await mkdir(files, { recursive: true });
  const options = await aptOptions(home, wanted.suite);
  const marker = path.join(home, 'updated');
  const updated = await stat(marker).then(
    (found) => found.mtimeMs,
    () => 0,
  );
  if (now.getTime() - updated > listsMaxAgeMs) {
    await host(['apt-get', ...options, 'update', '--error-on=any'], { timeoutMs: 300_000 });
    await writeFile(marker, '');
  }
  // apt-get downloads into the working directory, and only what is not there yet.
  await host(['env', '-C', files, 'apt-get', ...options, 'download', wanted.name], { timeoutMs: 300_000 });
  return newest(files, wanted);
}

async function aptOptions(home: string, suite: string): Promise<string[]> {
  const sources = path.join(home, 'sources.list');
  const status = path.join(home, 'status');
  await writeFile(sources, `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  await writeFile(status, '');
  const settings = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '-',
    'Dir::State': path.join(home, 'state'),
    'Dir::State::status': status,
    'Dir::Cache': path.join(home, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
  };
  return ['-qq', ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])];
}

async function newest(dir: string, wanted: DebianPackage): Promise<string> {
  const found: { file: string; at: number }[] = [];
  for (const name of await readdir(dir)) {
    const file = path.join(dir, name);
    if (name.endsWith('.deb')) found.push({ file, at: (await stat(file)).ctimeMs });
  }
  const [latest] = found.sort((a, b) => b.at - a.at);
  if (latest === undefined)
    throw new EdgectlError('LAB_UNSUPPORTED', { message: `Debian ${wanted.suite} offers no package ${wanted.name}` });
  return latest.file;
}
