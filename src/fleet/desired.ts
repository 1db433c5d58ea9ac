import { createHash } from 'node:crypto';
import { readdir, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import type { Problem } from './problem.js';
import { selectorProblems } from './references.js';
import type { DesiredBlock } from './schema/desired-file.js';
import { desiredFile } from './schema/desired-file.js';
import type { AdvisoriesFile, DriftFile } from './schema/drift-file.js';
import { advisoriesFile, driftFile } from './schema/drift-file.js';
import type { Checked } from './validate.js';
import type { Place } from './yaml-source.js';

/** What a file says, and where it says it. */
export interface Written<T> {
  file: string;
  value: T;
  /** Line and column of the value at a path, from 1. */
  placeOf(path: readonly PropertyKey[]): Place;
}

/** What nodes shall have besides runtimes, what is known to differ, and which versions are known to be bad. */
export interface DesiredState {
  /** desired.yaml and state/*.yaml. */
  blocks: readonly Written<readonly DesiredBlock[]>[];
  /** sha256 of the content files that they name, by path in the repository. */
  contents: ReadonlyMap<string, string>;
  /** drift.yaml. */
  drift?: Written<DriftFile>;
  /** advisories.yaml. */
  advisories?: Written<AdvisoriesFile>;
}

/** What reading these files needs of the loader of the fleet. */
export interface DesiredReader {
  dir: string;
  read(file: string): Promise<string | undefined>;
  check<S extends z.ZodType>(file: string, text: string, schema: S): Checked<z.output<S>>;
  problems: Problem[];
  /** Names of the fleet's nodes; undefined when not all of them are known. */
  nodes: readonly string[] | undefined;
}

/** A content file may be this large. Bytes. */
const largest = 4 * 1024 * 1024;

/** Reads desired.yaml, state/*.yaml, drift.yaml and advisories.yaml; what is wrong with them goes to the reader's problems. */
export async function loadDesired(reader: DesiredReader): Promise<DesiredState> {
  const blocks: Written<DesiredBlock[]>[] = [];
  for (const file of await desiredFiles(reader.dir)) {
    const written = await readOne(reader, file, desiredFile, []);
    if (written !== undefined) blocks.push(written);
  }
  const drift = await readOne(reader, 'drift.yaml', driftFile, ['ignore']);
  const advisories = await readOne(reader, 'advisories.yaml', advisoriesFile);
  return {
    blocks,
    contents: await contentsOf(reader, blocks),
    ...(drift === undefined ? {} : { drift }),
    ...(advisories === undefined ? {} : { advisories }),
  };
}

async function desiredFiles(dir: string): Promise<string[]> {
  const entries = await readdir(path.join(dir, 'state')).catch(() => []);
  return [
    'desired.yaml',
    ...entries
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => `state/${name}`),
  ];
}

/** `selectors`: where the list stands whose entries have an `on`. */
async function readOne<S extends z.ZodType>(
  reader: DesiredReader,
  file: string,
  schema: S,
  selectors?: readonly string[],
): Promise<Written<z.output<S>> | undefined> {
  const text = await reader.read(file);
  if (text === undefined) return undefined;
  const checked = reader.check(file, text, schema);
  const { source } = checked;
  if (selectors !== undefined) reader.problems.push(...selectorProblems(source, reader.nodes, selectors));
  return checked.ok ? { file, value: checked.value, placeOf: (at) => source.placeOf(at) } : undefined;
}

/** Digests of the content files; one that is not there, too large, or outside of the repository is a problem. */
async function contentsOf(
  reader: DesiredReader,
  written: readonly Written<readonly DesiredBlock[]>[],
): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  const root = await realpath(reader.dir);
  for (const { file, value, placeOf } of written)
    for (const [index, block] of value.entries())
      for (const [target, { content }] of Object.entries(block.files ?? {})) {
        if (content === undefined || contents.has(content)) continue;
        const digest = await digestOf(root, content);
        if (digest.startsWith('sha256:')) contents.set(content, digest);
        else {
          const at = [index, 'files', target, 'content'];
          reader.problems.push({ file, ...placeOf(at), message: `[${index}].files.${target}.content: ${digest}` });
        }
      }
  return contents;
}

async function digestOf(root: string, content: string): Promise<string> {
  try {
    const real = await realpath(path.join(root, content));
    if (!real.startsWith(root + path.sep)) return `“${content}” leads out of the repository`;
    const bytes = await readFile(real);
    if (bytes.length > largest) return `“${content}” is larger than ${largest / 1024 / 1024} MiB`;
    return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    return code === 'ENOENT'
      ? `there is no file “${content}” in this repository`
      : `“${content}” cannot be read: ${code}`;
  }
}
