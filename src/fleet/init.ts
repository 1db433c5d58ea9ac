import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgectlError } from '../errors/error.js';
import { isName } from './schema/scalars.js';

/** Template and where it goes, in the order in which they are told. */
const files: readonly (readonly [template: string, target: string])[] = [
  ['fleet.yaml', 'fleet.yaml'],
  ['runtimes.yaml', 'runtimes.yaml'],
  ['policies/careful.yaml', 'policies/careful.yaml'],
  ['known_hosts', 'known_hosts'],
  ['trust/allowed_signers', 'trust/allowed_signers'],
  ['keys/README.md', 'keys/README.md'],
  ['gitignore', '.gitignore'],
];

/** What a new fleet repository is made from. */
export interface InitInput {
  dir: string;
  name: string;
  /** ULID of the fleet. */
  id: string;
}

/** Directory of the templates, beside `src` or `dist`. */
export function fleetTemplates(): string {
  return fileURLToPath(new URL('../../templates/fleet/', import.meta.url));
}

/** A name for a fleet out of a directory's name: `/srv/Acme Retail` → `acme-retail`. */
export function fleetNameFrom(dir: string): string {
  const name = path
    .basename(path.resolve(dir))
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|-+$/g, '')
    .slice(0, 63);
  return isName(name) ? name : 'fleet';
}

/**
 * Writes a commented fleet repository and returns its files. Files that are there already are kept as they are; a
 * fleet.yaml that is there already is an error (CONFIG_INVALID), because a fleet's id must never change.
 */
export async function initFleet(input: InitInput): Promise<{ created: string[]; kept: string[] }> {
  if (!isName(input.name)) {
    throw new EdgectlError('USAGE', {
      message: `“${input.name}” cannot name a fleet: letters, digits, “.”, “_” and “-”, at most 63`,
    });
  }
  const created: string[] = [];
  const kept: string[] = [];
  for (const [template, target] of files) {
    const text = await readFile(path.join(fleetTemplates(), template), 'utf8');
    const file = path.join(input.dir, target);
    await mkdir(path.dirname(file), { recursive: true });
    const isNew = await writeNew(file, text.replace('__ID__', input.id).replace('__NAME__', input.name));
    if (!isNew && target === 'fleet.yaml') {
      throw new EdgectlError('CONFIG_INVALID', {
        message: `There is a fleet in ${input.dir} already; nothing was changed`,
        hint: 'edgectl fleet check',
      });
    }
    (isNew ? created : kept).push(target);
  }
  return { created, kept };
}

/** False when the file exists: two people who call this at once cannot overwrite each other. */
async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The example inside a template: its lines with one # become content. For tests and the reference. */
export function uncomment(template: string): string {
  return template
    .split('\n')
    .map((line) => (line.startsWith('# ') ? line.slice(2) : line))
    .join('\n');
}
