import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Imported, ImportedNode, Remark } from '../model.js';
import { looksSecret } from '../model.js';
import type { AnsibleConfig } from './config.js';
import { connectionOf } from './connection.js';
import { readIniInventory } from './ini.js';
import type { Group, Host } from './inventory.js';
import { Inventory } from './inventory.js';
import type { TemplateScope } from './template.js';
import { fillTemplate } from './template.js';
import type { Var, Vars } from './value.js';
import { readVarsFile, readYamlInventory } from './yaml.js';
import { readNodeVars } from './own-vars.js';

/** Files in an inventory directory that Ansible passes over. */
const passedOver = /(\.pyc|\.pyo|\.swp|\.bak|~|\.rpm|\.md|\.txt|\.rst|\.orig|\.ini|\.cfg|\.retry)$/;
const notInventory = new Set(['group_vars', 'host_vars', 'vars_plugins']);

/** What to import from Ansible. */
export interface AnsibleSources {
  /** Inventory files or directories, as given to `-i`; a later one wins. */
  inventories: readonly string[];
  /** Directory of the playbooks: its group_vars/ and host_vars/ win over those beside the inventory. */
  playbookDir?: string;
  /** What ansible.cfg says. */
  config?: Pick<AnsibleConfig, 'vars' | 'remarks'>;
}

/** Reads Ansible inventories with their group_vars/ and host_vars/. Runs nothing and opens no vault. */
export async function importAnsible(sources: AnsibleSources): Promise<Imported> {
  return await new AnsibleImport(sources).run();
}

class AnsibleImport {
  private readonly inventory = new Inventory();

  constructor(private readonly sources: AnsibleSources) {}

  async run(): Promise<Imported> {
    const { config } = this.sources;
    for (const [name, value] of config?.vars ?? []) this.inventory.settings.set(name, value);
    this.inventory.remarks.push(...(config?.remarks ?? []));
    const dirs: string[] = [];
    for (const source of this.sources.inventories) {
      const isDir = (await stat(source)).isDirectory();
      if (isDir) await this.directory(source);
      else await this.file(source);
      dirs.push(isDir ? source : path.dirname(source));
    }
    if (this.sources.playbookDir !== undefined) dirs.push(this.sources.playbookDir);
    for (const dir of new Set(dirs)) await this.varsFolders(dir);
    return this.nodes();
  }

  private async directory(dir: string): Promise<void> {
    const entries = await readdir(dir, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const full = path.join(dir, entry.name);
      if (entry.name.startsWith('.') || notInventory.has(entry.name)) continue;
      if (/\.(ini|cfg)$/.test(entry.name)) {
        const message = `Ansible passes over *${path.extname(entry.name)} in a directory; name the file itself to import it`;
        this.inventory.remark('left-out', { file: full, line: 1 }, message);
      } else if (passedOver.test(entry.name)) continue;
      else if ((await stat(full)).isDirectory()) await this.directory(full);
      else await this.file(full);
    }
  }

  private async file(file: string): Promise<void> {
    const text = await readFile(file, 'utf8');
    const executable = ((await stat(file)).mode & 0o111) !== 0 && text.startsWith('#!');
    if (executable) {
      const message = 'a program that prints hosts; it was not run. nodes: { exec: … } of fleet.yaml runs programs';
      return this.inventory.remark('error', { file, line: 1 }, message);
    }
    if (text.startsWith('$ANSIBLE_VAULT;'))
      return this.inventory.remark('error', { file, line: 1 }, 'the inventory itself is encrypted by ansible-vault');
    const isYaml = /\.(ya?ml|json)$/.test(file) || (!/\.ini$/.test(file) && looksLikeYaml(text));
    (isYaml ? readYamlInventory : readIniInventory)(file, text.replace(/^\uFEFF/, ''), this.inventory);
  }

  private async varsFolders(dir: string): Promise<void> {
    const names: [string, string, Iterable<string>][] = [
      ['group_vars', 'group', this.inventory.groups.keys()],
      ['host_vars', 'host', this.inventory.hosts.keys()],
    ];
    for (const [folder, kind, known] of names) {
      const base = path.join(dir, folder);
      if (!(await stat(base).catch(() => undefined))?.isDirectory()) continue;
      for (const name of known) {
        const key = `${kind} ${name}`;
        const vars: Vars = this.inventory.files.get(key) ?? new Map<string, Var>();
        for (const file of await varsFiles(base, name))
          readVarsFile(file, await readFile(file, 'utf8'), this.inventory, vars);
        if (vars.size > 0) this.inventory.files.set(key, vars);
      }
    }
  }

  private nodes(): Imported {
    const { inventory } = this;
    const membership = inventory.membership();
    const merged = new Map<string, Map<string, Var>>();
    const varsOf = (name: string): Map<string, Var> | undefined => {
      const host = inventory.hosts.get(name);
      const known = merged.get(name);
      if (host === undefined || known !== undefined) return known;
      const vars = inventory.variables(host, membership.get(name) ?? []);
      merged.set(name, vars);
      return vars;
    };
    const remarks = inventory.remarks;
    const nodes = [...inventory.hosts.values()].flatMap((host): ImportedNode[] => {
      const vars = varsOf(host.name) ?? new Map<string, Var>();
      const groups = membership.get(host.name) ?? [];
      const node = this.node(host, groups, { host: host.name, vars, groups, inventory, varsOf }, remarks);
      return node === undefined ? [] : [node];
    });
    return { nodes, remarks: once(remarks) };
  }

  private node(
    host: Host,
    groups: readonly Group[],
    scope: TemplateScope,
    remarks: Remark[],
  ): ImportedNode | undefined {
    const connection = connectionOf(scope, host.origin, remarks);
    if (connection === undefined) return undefined;
    const own = readNodeVars(scope.vars, remarks);
    return {
      name: host.name,
      ...connection,
      groups: groups.map((group) => group.name),
      origin: host.origin,
      ...own,
      labels: { ...labelsOf(scope, remarks), ...own.labels },
    };
  }
}

/** Ansible tries its YAML plugin on every file; an INI file is hardly ever a map of groups with nothing else. */
function looksLikeYaml(text: string): boolean {
  const first = text.split('\n').find((line) => /\S/.test(line) && !/^\s*[#;]/.test(line)) ?? '';
  return /^(---|%YAML|\{)/.test(first) || /^["']?[A-Za-z_][\w.-]*["']?:\s*(#.*)?$/.test(first.trimEnd());
}

/** Files of one group or host: NAME, NAME.yml, NAME.yaml, NAME.json, and all of the folder NAME, nested ones too. */
async function varsFiles(base: string, name: string): Promise<string[]> {
  const files: string[] = [];
  if (name.includes('/')) return files;
  for (const extension of ['', '.yml', '.yaml', '.json']) {
    const full = path.join(base, `${name}${extension}`);
    const info = await stat(full).catch(() => undefined);
    if (info?.isDirectory() === true && extension === '') files.push(...(await nested(full)));
    else if (info?.isFile() === true) files.push(full);
    if (info !== undefined) break;
  }
  return files;
}

async function nested(dir: string): Promise<string[]> {
  const files: string[] = [];
  const entries = await readdir(dir);
  for (const entry of entries.sort()) {
    const full = path.join(dir, entry);
    if (entry.startsWith('.') || entry.endsWith('~')) continue;
    if ((await stat(full)).isDirectory()) files.push(...(await nested(full)));
    else if (/^\.(ya?ml|json)?$|^$/.test(path.extname(entry))) files.push(full);
  }
  return files;
}

/** Scalars as labels. What is Ansible's own, secret, encrypted, or has parts stays out, and each is said once. */
function labelsOf(scope: TemplateScope, remarks: Remark[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [name, { value, origin }] of scope.vars) {
    if (/^(ansible|edgectl)_/.test(name)) continue;
    const leave = (message: string): number =>
      remarks.push({ level: 'left-out', ...origin, message: `${name}: ${message}` });
    if (value.kind === 'vault') leave('encrypted by ansible-vault');
    else if (looksSecret(name)) leave('looks like a secret by its name');
    else if (value.kind === 'structure') leave('a list or a map; labels are single values');
    else if (!/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/.test(name)) leave('its name cannot name a label');
    else {
      const text = fillTemplate(value.text, scope);
      if (typeof text === 'string') labels[name] = text;
      else leave(`a template that only Ansible can fill in: ${text.why}`);
    }
  }
  return labels;
}

/** The same remark about a group's variable comes for each of its hosts. */
function once(remarks: readonly Remark[]): Remark[] {
  const seen = new Set<string>();
  return remarks.filter((remark) => {
    const key = `${remark.level} ${remark.file}:${remark.line} ${remark.message}`;
    return !seen.has(key) && seen.add(key);
  });
}
