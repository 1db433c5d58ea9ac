import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import type { DynamicSource } from './declaration.js';

const mostFiles = 1000;
const mostBytes = 16 * 1024 * 1024;

/** What was read to decide whether programs may run. */
export interface SourcesDigest {
  /** sha256, hex. */
  digest: string;
  /** Files of the repository that it covers, sorted. */
  files: readonly string[];
}

/**
 * The digest that `edgectl fleet trust` remembers: every command line, and the content of every file of the repository that
 * one of them names. A file in a folder brings the whole folder with it, because a program may load what lies beside it.
 */
export async function digestSources(dir: string, sources: readonly DynamicSource[]): Promise<SourcesDigest> {
  const files = new Set<string>();
  for (const { argv } of sources) {
    for (const word of argv) for (const file of await filesNamed(dir, word)) files.add(file);
  }
  const hash = createHash('sha256');
  hash.update(JSON.stringify(sources.map(({ file, argv }) => [file, argv])));
  const sorted = [...files].sort();
  let bytes = 0;
  for (const file of sorted) {
    const content = await readFile(path.join(dir, file));
    bytes += content.length;
    if (sorted.length > mostFiles || bytes > mostBytes) {
      throw new EdgectlError('SOURCE_FAILED', {
        message: `Beside the programs of ${sources.map(({ file: one }) => one).join(', ')} lie more than ${mostFiles} files or ${mostBytes >> 20} MiB.`,
        hint: 'give such a program a folder of its own',
      });
    }
    hash.update(`\n${JSON.stringify(file)} ${createHash('sha256').update(content).digest('hex')}`);
  }
  return { digest: hash.digest('hex'), files: sorted };
}

async function filesNamed(dir: string, word: string): Promise<string[]> {
  const full = path.resolve(dir, word);
  const inside = path.relative(dir, full);
  if (inside === '' || inside.startsWith('..') || path.isAbsolute(inside)) return [];
  const info = await stat(full).catch(() => undefined);
  if (info === undefined) return [];
  const folder = info.isDirectory() ? inside : path.dirname(inside);
  if (folder === '.') return [inside];
  const entries = await readdir(path.join(dir, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)));
}
