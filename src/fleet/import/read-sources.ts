import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import { importAnsible } from './ansible/import.js';
import { importCsv } from './csv.js';
import type { Imported } from './model.js';
import { importSshConfig } from './ssh-config/import.js';
import type { LocalUser } from './ssh-config/evaluate.js';

/** Formats that can be imported. */
export const importFormats = ['ansible', 'ssh-config', 'csv'] as const;
export type ImportFormat = (typeof importFormats)[number];

/** What is read, and how. */
export interface ReadOptions {
  /** Absolute paths. */
  sources: readonly string[];
  format?: ImportFormat;
  playbookDir?: string;
  hosts: readonly string[];
  keepBastions: boolean;
  columns: Readonly<Record<string, string>>;
  separator?: string;
  user: LocalUser;
}

/** Reads every source in its format; Ansible inventories are read together, as several `-i` are. Throws USAGE. */
export async function readSources(options: ReadOptions): Promise<Imported[]> {
  const imported: Imported[] = [];
  const inventories: string[] = [];
  for (const source of options.sources) {
    const format = options.format ?? (await formatOf(source));
    if (format === 'ansible') inventories.push(source);
    else if (format === 'csv')
      imported.push(
        importCsv(source, await readFile(source), {
          columns: options.columns,
          ...(options.separator === undefined ? {} : { separator: options.separator }),
        }),
      );
    else {
      const { hosts, keepBastions, user } = options;
      imported.push(await importSshConfig({ file: source, hosts, keepBastions, user }));
    }
  }
  if (inventories.length > 0) {
    const { playbookDir } = options;
    imported.push(await importAnsible({ inventories, ...(playbookDir === undefined ? {} : { playbookDir }) }));
  }
  return imported;
}

/** The format that a source seems to have: by its name, then by what stands in it. */
export async function formatOf(source: string): Promise<ImportFormat> {
  const info = await stat(source).catch(() => undefined);
  if (info === undefined) throw new EdgectlError('USAGE', { message: `There is no ${source}.` });
  if (info.isDirectory()) return 'ansible';
  const name = path.basename(source).toLowerCase();
  if (/\.(csv|tsv)$/.test(name)) return 'csv';
  if (/\.(ya?ml|ini|json)$/.test(name)) return 'ansible';
  const text = await readFile(source, 'utf8');
  if (/ssh.*config|\.ssh$/.test(name) || /^\s*(Host|Match|Include)[\s=]/im.test(text)) return 'ssh-config';
  const [first = ''] = text.split('\n');
  return /^[^[\s=]+([,;\t|][^=]*){2,}$/.test(first.trim()) ? 'csv' : 'ansible';
}
