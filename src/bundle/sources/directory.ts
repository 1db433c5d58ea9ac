import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { invalid } from '../invalid.js';
import { maxEntries } from '../limits.js';
import type { PackSource, SourceEntry } from './source.js';

/** A directory as a source. Symlinks are recorded, never followed out of it. */
export async function openDirectory(dir: string): Promise<PackSource> {
  const entries: SourceEntry[] = [];
  await walk(dir, '', entries);
  return {
    kind: 'directory',
    name: path.basename(path.resolve(dir)),
    entries,
    extract: async (wanted) => {
      for (const [from, to] of wanted) {
        const file = path.join(dir, from);
        // Between the walk and now it may have been replaced by a link.
        if (!(await lstat(file)).isFile()) throw invalid(`${from} changed while it was read.`);
        await pipeline(createReadStream(file), createWriteStream(to, { flags: 'wx' }));
      }
    },
  };
}

async function walk(root: string, below: string, entries: SourceEntry[]): Promise<void> {
  for (const name of (await readdir(path.join(root, below))).sort()) {
    const relative = below === '' ? name : `${below}/${name}`;
    const found = await lstat(path.join(root, relative));
    if (entries.length >= maxEntries) throw invalid(`${root} has more than ${maxEntries} entries.`);
    const common = { path: relative, mode: found.mode & 0o7777, size: found.isFile() ? found.size : 0 };
    if (found.isSymbolicLink()) {
      entries.push({ ...common, type: 'symlink', target: await readlink(path.join(root, relative)) });
    } else {
      entries.push({ ...common, type: found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other' });
      if (found.isDirectory()) await walk(root, relative, entries);
    }
  }
}
