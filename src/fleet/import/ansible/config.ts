import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Remark } from '../model.js';
import type { Vars } from './value.js';

/** What an ansible.cfg says about inventories and about the way to hosts. */
export interface AnsibleConfig {
  /** Absolute paths, in its order; empty when it names none. */
  inventories: string[];
  /** Its directory, which most often holds the playbooks too. */
  dir: string;
  /** Connection settings, as the variables that are stronger than them. */
  vars: Vars;
  remarks: Remark[];
}

/** Settings with the variable that overrides each (docs.ansible.com, "Ansible Configuration Settings"). */
const settings: Readonly<Record<string, string>> = {
  'defaults remote_user': 'ansible_user',
  'defaults remote_port': 'ansible_port',
  'defaults private_key_file': 'ansible_private_key_file',
  'defaults transport': 'ansible_connection',
  'ssh_connection ssh_args': 'ansible_ssh_args',
  'ssh_connection ssh_common_args': 'ansible_ssh_common_args',
  'ssh_connection ssh_extra_args': 'ansible_ssh_extra_args',
};

/**
 * Reads an ansible.cfg as Ansible's ConfigParser does: `key = value` or `key: value`, lines that begin with blanks go on, `;` begins a comment also
 * behind a value. Values are taken as they are, without interpolation.
 */
export async function readAnsibleConfig(file: string, home: string): Promise<AnsibleConfig> {
  const config: AnsibleConfig = { inventories: [], dir: path.dirname(file), vars: new Map(), remarks: [] };
  const expand = (written: string): string => {
    const text = written.replace(/^~(?=\/|$)|\$HOME\b|\$\{HOME\}/gu, home);
    return path.resolve(config.dir, text.replaceAll('{{CWD}}', config.dir));
  };
  for (const { section, key, value, line } of entriesOf(await readFile(file, 'utf8'))) {
    const origin = { file, line };
    if (section === 'defaults' && key === 'inventory') {
      config.inventories = value.split(',').flatMap((one) => (one.trim() === '' ? [] : [expand(one.trim())]));
      continue;
    }
    if (section === 'defaults' && key === 'host_key_checking' && /^(false|no|0|off)$/iu.test(value))
      config.remarks.push({
        level: 'left-out',
        ...origin,
        message: 'host_key_checking is off: edgectl always checks host keys',
      });
    const name = settings[`${section} ${key}`];
    if (name === undefined || value === '') continue;
    const text = name === 'ansible_private_key_file' ? expand(value) : value;
    config.vars.set(name, { value: { kind: 'scalar', text }, origin });
  }
  return config;
}

interface Entry {
  section: string;
  key: string;
  value: string;
  line: number;
}

function entriesOf(text: string): Entry[] {
  const entries: Entry[] = [];
  let section = '';
  for (const [index, raw] of text
    .replace(/^\uFEFF/u, '')
    .split(/\r?\n/u)
    .entries()) {
    const line = raw.replace(/(^|\s);.*$/u, '').trimEnd();
    const last = entries.at(-1);
    if (line.trim() === '' || /^\s*#/u.test(line)) continue;
    const head = /^\[([^\]]+)\]/u.exec(line)?.[1];
    if (head !== undefined) section = head.trim();
    else if (/^\s/u.test(line) && last?.section === section) last.value = `${last.value} ${line.trim()}`.trim();
    else {
      const [, key = '', value = ''] = /^([^=:]+?)\s*[=:]\s*(.*)$/u.exec(line) ?? [];
      if (key !== '') entries.push({ section, key: key.trim().toLowerCase(), value, line: index + 1 });
    }
  }
  return entries;
}
