import { shellWords } from '../shell-words.js';
import { expandHosts } from './host-range.js';
import type { Inventory } from './inventory.js';
import { iniValue } from './value.js';

const section = /^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$/;

/** Reads an inventory in INI form into the model. What cannot be read becomes a remark with its line. */
export function readIniInventory(file: string, text: string, inventory: Inventory): void {
  let group = 'ungrouped';
  let kind = 'hosts';
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = raw.trim();
    const origin = { file, line: index + 1 };
    const error = (message: string): void => inventory.remark('error', origin, message);
    if (line === '' || line.startsWith('#') || line.startsWith(';')) return;
    const header = section.exec(line);
    if (header !== null) {
      group = header[1] ?? '';
      kind = header[2] ?? 'hosts';
      inventory.group(group);
      if (!['hosts', 'children', 'vars'].includes(kind))
        error(`[${group}:${kind}]: after “:” only children or vars can stand`);
      return;
    }
    if (kind === 'children') {
      const child = /^([^:\]\s]+)\s*(?:#.*)?$/.exec(line)?.[1];
      if (child === undefined) error(`expected the name of one group, found “${line}”`);
      else {
        inventory.group(child);
        inventory.group(group).children.add(child);
      }
    } else if (kind === 'vars') {
      const equals = line.indexOf('=');
      if (equals < 1) error(`expected NAME=VALUE, found “${line}”`);
      else
        inventory
          .group(group)
          .vars.set(line.slice(0, equals).trim(), { value: iniValue(line.slice(equals + 1)), origin });
    } else if (kind === 'hosts') readHosts(line, group, inventory, origin);
    else error(`not read: it stands in the section [${group}:${kind}]`);
  });
}

function readHosts(line: string, group: string, inventory: Inventory, origin: { file: string; line: number }): void {
  const words = shellWords(line, { comments: true });
  if (typeof words === 'string') return inventory.remark('error', origin, words);
  const [entry = '', ...assignments] = words;
  if (line.startsWith('[') && line.endsWith(']') && assignments.length === 0 && !line.includes(':'))
    return inventory.remark('error', origin, `expected [GROUP], [GROUP:children] or [GROUP:vars], found “${line}”`);
  const expanded = expandHosts(entry);
  if (typeof expanded === 'string') return inventory.remark('error', origin, expanded);
  const given = assignments.flatMap((word): [string, string][] => {
    const equals = word.indexOf('=');
    if (equals > 0) return [[word.slice(0, equals), word.slice(equals + 1)]];
    inventory.remark('error', origin, `expected NAME=VALUE after the host, found “${word}”`);
    return [];
  });
  for (const name of expanded.hosts) {
    const host = inventory.host(name, group, origin);
    if (expanded.port !== undefined)
      host.vars.set('ansible_port', { value: { kind: 'scalar', text: String(expanded.port) }, origin });
    for (const [key, value] of given) host.vars.set(key, { value: iniValue(value), origin });
  }
}
