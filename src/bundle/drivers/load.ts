import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { EdgectlError } from '../../errors/error.js';
import type { Driver } from './schema.js';
import { driverSchema } from './schema.js';

/** A driver and the file that it came from. */
export interface LoadedDriver {
  driver: Driver;
  file: string;
}

/** Finds a driver by its component's name; an earlier directory wins, so that a fleet's own driver replaces ours. */
export async function loadDriver(name: string, dirs: readonly string[]): Promise<LoadedDriver> {
  if (/^[a-z][a-z0-9-]*$/.test(name)) {
    for (const dir of dirs) {
      const file = path.join(dir, `${name}.yaml`);
      const text = await readFile(file, 'utf8').catch(absent);
      if (text !== undefined) return { driver: parseDriver(text, file), file };
    }
  }
  const known = [...(await listDriverFiles(dirs)).keys()];
  throw new EdgectlError('DRIVER_NOT_FOUND', {
    message: `There is no driver named ${JSON.stringify(name)}.`,
    lines: [`known: ${known.join(', ')}`, `looked in: ${dirs.join(', ')}`],
    data: { known },
  });
}

/** Every driver of the directories, by name, overridden ones left out. */
export async function listDrivers(dirs: readonly string[]): Promise<LoadedDriver[]> {
  const files = await listDriverFiles(dirs);
  const loaded: LoadedDriver[] = [];
  for (const file of files.values()) loaded.push({ driver: parseDriver(await readFile(file, 'utf8'), file), file });
  return loaded;
}

/** Reads a driver's YAML. Throws DRIVER_INVALID that names file, line, column and every error. */
export function parseDriver(text: string, file: string): Driver {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = counter.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const problems = document.errors.map((error) => `${place(error.pos[0])}: ${error.message}`);
  if (problems.length === 0) {
    const parsed = driverSchema.safeParse(document.toJS());
    if (parsed.success) {
      const expected = path.basename(file, '.yaml');
      if (parsed.data.component === expected) return parsed.data;
      problems.push(`${file}:1:1: component is ${parsed.data.component}, but the file is named ${expected}.yaml`);
    } else {
      for (const issue of parsed.error.issues) {
        const at = issue.path.join('.');
        problems.push(`${place(offsetOf(document, issue.path))}: ${at === '' ? '' : `${at}: `}${issue.message}`);
      }
    }
  }
  throw new EdgectlError('DRIVER_INVALID', { message: `The driver ${file} cannot be used.`, lines: problems });
}

function offsetOf(document: ReturnType<typeof parseDocument>, keys: readonly PropertyKey[]): number {
  for (let length = keys.length; length > 0; length--) {
    const node = document.getIn(keys.slice(0, length), true) as { range?: [number, number, number] } | undefined;
    if (node?.range) return node.range[0];
  }
  return 0;
}

async function listDriverFiles(dirs: readonly string[]): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const dir of dirs) {
    const names = (await readdir(dir).catch(absent)) ?? [];
    for (const entry of names.filter((each) => each.endsWith('.yaml'))) {
      const name = entry.slice(0, -'.yaml'.length);
      if (!files.has(name)) files.set(name, path.join(dir, entry));
    }
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
