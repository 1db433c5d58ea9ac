import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import { readAnsibleConfig, type AnsibleConfig } from './ansible/config.js';
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

/** Reads every source in its format; Ansible inventories are read together, as several `-i` are. Throws USAGE, also for an
 * ansible.cfg that leads to no inventory. */
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
  if (inventories.length > 0) imported.push(await readAnsible(inventories, options));
  return imported;
}

/** Inventories, or the projects that name them: an ansible.cfg, or a directory with one in it. */
async function readAnsible(sources: readonly string[], options: ReadOptions): Promise<Imported> {
  const inventories: string[] = [];
  let config: AnsibleConfig | undefined;
  for (const source of sources) {
    const file = await configOf(source);
    if (file === undefined) {
      inventories.push(source);
      continue;
    }
    if (config !== undefined) throw new EdgectlError('USAGE', { message: 'Ansible reads one ansible.cfg, not two.' });
    config = await readAnsibleConfig(file, options.user.home);
    for (const inventory of config.inventories) {
      if ((await stat(inventory).catch(() => undefined)) === undefined)
        throw new EdgectlError('USAGE', { message: `${file} names the inventory ${inventory}, which is not there.` });
      inventories.push(inventory);
    }
    if (config.inventories.length === 0 && sources.length === 1)
      throw new EdgectlError('USAGE', {
        message: `${file} names no inventory.`,
        hint: 'name the inventory beside it: edgectl fleet import ansible.cfg INVENTORY',
      });
  }
  const playbookDir = options.playbookDir ?? config?.dir;
  return await importAnsible({
    inventories,
    ...(playbookDir === undefined ? {} : { playbookDir }),
    ...(config === undefined ? {} : { config }),
  });
}

async function configOf(source: string): Promise<string | undefined> {
  const file = path.basename(source) === 'ansible.cfg' ? source : path.join(source, 'ansible.cfg');
  return (await stat(file).catch(() => undefined))?.isFile() === true ? file : undefined;
}

/** The format that a source seems to have: by its name, then by what stands in it. */
export async function formatOf(source: string): Promise<ImportFormat> {
  const info = await stat(source).catch(() => undefined);
  if (info === undefined) throw new EdgectlError('USAGE', { message: `There is no ${source}.` });
  if (info.isDirectory()) return 'ansible';
  const name = path.basename(source).toLowerCase();
  if (/\.(csv|tsv)$/.test(name)) return 'csv';
  if (/\.(ya?ml|ini|json)$/.test(name) || name === 'ansible.cfg') return 'ansible';
  const text = await readFile(source, 'utf8');
  if (/ssh.*config|\.ssh$/.test(name) || /^\s*(Host|Match|Include)[\s=]/im.test(text)) return 'ssh-config';
  const [first = ''] = text.split('\n');
  return /^[^[\s=]+([,;\t|][^=]*){2,}$/.test(first.trim()) ? 'csv' : 'ansible';
}
