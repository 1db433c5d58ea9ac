import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import type { FleetIo } from '../load.js';
import { loadFleet } from '../load.js';
import type { Fleet } from '../types.js';
import type { Assembled, AssembleOptions } from './assemble.js';
import { assemble } from './assemble.js';
import type { Imported, Remark } from './model.js';
import { writeNodesFile } from './write.js';

/** One line about one line of a source, as compilers write it. */
export function remarkLine(remark: Remark, base: string): string {
  const file = path.relative(base, remark.file);
  return `${file.startsWith('..') ? remark.file : file}:${remark.line}: ${remark.message}`;
}

/** Makes one fleet of the sources. Throws IMPORT_INCOMPLETE with every line that was not understood, unless `partial`. */
export function understand(
  sources: readonly Imported[],
  options: AssembleOptions & { partial: boolean; base: string },
): Assembled {
  const assembled = assemble(sources, options);
  const errors = assembled.remarks.filter(({ level }) => level === 'error');
  if (errors.length === 0 || options.partial) return assembled;
  const shown = errors.slice(0, 50).map((remark) => remarkLine(remark, options.base));
  if (errors.length > shown.length) shown.push(`… and ${errors.length - shown.length} more`);
  throw new EdgectlError('IMPORT_INCOMPLETE', {
    message: `${errors.length === 1 ? 'One thing was' : `${errors.length} things were`} not understood; nothing was written.`,
    lines: shown,
    data: { errors, nodes: assembled.nodes.size },
  });
}

/** Writes the nodes into the fleet repository and loads it; when it does not load, everything is as it was before. */
export async function writeImport(
  fleet: Assembled,
  to: { dir: string; file: string; head: readonly string[] },
  io: FleetIo,
): Promise<Fleet> {
  const file = path.join(to.dir, to.file);
  const before = await readFile(file, 'utf8').catch(() => undefined);
  await mkdir(path.dirname(file), { recursive: true });
  const { default: writeAtomic } = await import('write-file-atomic');
  await writeAtomic(file, writeNodesFile(fleet, to.head));
  try {
    return await loadFleet(to.dir, io);
  } catch (error) {
    if (before === undefined) await rm(file);
    else await writeAtomic(file, before);
    throw error;
  }
}
