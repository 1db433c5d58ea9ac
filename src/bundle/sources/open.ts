import { copyFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import { invalid } from '../invalid.js';
import { openDeb } from './deb.js';
import { decompress, sniff } from './decompress.js';
import { openDirectory } from './directory.js';
import type { PackSource } from './source.js';
import { extractTar, indexTar } from './tar.js';

/** Opens whatever can be packed, by its content. `scratch` is a private, empty directory. Throws USAGE or BUNDLE_INVALID. */
export async function openSource(file: string, scratch: string): Promise<PackSource> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined)
    throw new EdgectlError('USAGE', {
      message: `${file} is not there.`,
      hint: 'name a directory, an archive, a .deb or a program',
    });
  if (found.isDirectory()) return openDirectory(file);
  if (!found.isFile()) throw new EdgectlError('USAGE', { message: `${file} is neither a file nor a directory.` });
  const name = path.basename(file);
  const format = await sniff(file);
  switch (format) {
    case 'ar':
      return openDeb(file, scratch);
    case 'tar':
      return openTar(file, name);
    case 'gzip':
    case 'xz':
    case 'zstd':
    case 'bzip2': {
      const tar = path.join(scratch, 'source.tar');
      await decompress(file, format, tar, name);
      return openTar(tar, name);
    }
    case 'elf':
    case 'script':
      return openProgram(file, name, found.size, found.mode & 0o7777);
    case 'page':
      throw invalid(`${name} is an HTML or XML page, not a runtime: the download that it came from failed.`);
    case 'zip':
      throw invalid(`${name} is a zip archive, which is not read here: unpack it and give the directory.`);
    case 'unknown':
      throw invalid(`${name} is neither an archive (tar, gz, xz, zst, bz2), nor a .deb, nor a program.`);
  }
}

async function openTar(tar: string, name: string): Promise<PackSource> {
  return {
    kind: 'archive',
    name,
    entries: await indexTar(tar, name),
    extract: (wanted) => extractTar(tar, name, wanted),
  };
}

function openProgram(file: string, name: string, size: number, mode: number): PackSource {
  return {
    kind: 'program',
    name,
    entries: [{ path: name, type: 'file', mode, size }],
    extract: async (wanted) => {
      for (const target of wanted.values()) await copyFile(file, target);
    },
  };
}
