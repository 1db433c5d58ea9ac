import type { Document, Pair, YAMLMap } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Origin } from '../model.js';
import { expandHosts } from './host-range.js';
import type { Inventory } from './inventory.js';
import type { Vars, VarValue } from './value.js';

/** A YAML file of Ansible, open for walking. */
class AnsibleYaml {
  private readonly lines = new LineCounter();
  readonly document: Document;

  constructor(
    readonly file: string,
    text: string,
    private readonly inventory: Inventory,
  ) {
    this.document = parseDocument(text, {
      lineCounter: this.lines,
      schema: 'failsafe',
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'silent',
    });
    for (const error of this.document.errors) this.error(this.at(error.pos[0]), `not valid YAML: ${error.message}`);
  }

  at(offset: number | undefined): Origin {
    return { file: this.file, line: Math.max(1, this.lines.linePos(offset ?? 0).line) };
  }

  error(origin: Origin, message: string): void {
    this.inventory.remark('error', origin, message);
  }

  resolve(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.document) : node;
  }

  /** Pairs of a map with their merges (`<<`) first, so that its own keys win; undefined when it is no map. */
  pairs(node: unknown): { key: string; value: unknown; origin: Origin }[] | undefined {
    const map = this.resolve(node);
    if (!isMap(map)) return undefined;
    const merged: { key: string; value: unknown; origin: Origin }[] = [];
    const own: typeof merged = [];
    for (const pair of (map as YAMLMap).items as Pair[]) {
      const key = this.resolve(pair.key);
      const origin = this.at((key as { range?: [number] } | undefined)?.range?.[0]);
      if (!isScalar(key)) this.error(origin, 'a key that is a list or a map');
      else if (key.value === '<<') {
        const value = this.resolve(pair.value);
        const sources = isSeq(value) ? value.items.slice().reverse() : [value];
        for (const source of sources) merged.push(...(this.pairs(source) ?? []));
      } else own.push({ key: String(key.value), value: this.resolve(pair.value), origin });
    }
    return [...merged, ...own];
  }

  /** True for nothing at all: an empty value, `null`, `~`. */
  isNothing(node: unknown): boolean {
    const value = this.resolve(node);
    if (value === null || value === undefined) return true;
    return isScalar(value) && value.type === 'PLAIN' && /^(~|null|Null|NULL)?$/.test(String(value.value ?? ''));
  }

  value(node: unknown): VarValue {
    const value = this.resolve(node);
    const tag = (value as { tag?: string } | undefined)?.tag;
    if (tag === '!vault' || tag === '!vault-encrypted') return { kind: 'vault' };
    if (this.isNothing(value)) return { kind: 'scalar', text: '' };
    if (isScalar(value)) {
      const text = String(value.value ?? '');
      return text.startsWith('$ANSIBLE_VAULT;') ? { kind: 'vault' } : { kind: 'scalar', text };
    }
    return { kind: 'structure', value: this.plain(value) };
  }

  /** Variables of a map. */
  vars(node: unknown, into: Vars, what: string, fallback: Origin): void {
    if (this.isNothing(node)) return;
    const pairs = this.pairs(node);
    if (pairs === undefined) return this.error(fallback, `${what}: expected a map of variables`);
    for (const { key, value, origin } of pairs) into.set(key, { value: this.value(value), origin });
  }

  private plain(node: unknown): unknown {
    const value = this.resolve(node);
    if (isScalar(value)) return (value as { tag?: string }).tag === '!vault' ? undefined : String(value.value ?? '');
    if (isSeq(value)) return value.items.map((item) => this.plain(item));
    const pairs = this.pairs(value);
    return pairs === undefined ? '' : Object.fromEntries(pairs.map((pair) => [pair.key, this.plain(pair.value)]));
  }
}

/** Reads an inventory in YAML form into the model. */
export function readYamlInventory(file: string, text: string, inventory: Inventory): void {
  const yaml = new AnsibleYaml(file, text, inventory);
  if (yaml.document.errors.length > 0) return;
  const { contents } = yaml.document;
  if (yaml.isNothing(contents)) return;
  const pairs = yaml.pairs(contents);
  if (pairs === undefined) return yaml.error({ file, line: 1 }, 'expected a map of groups');
  if (pairs.some(({ key }) => key === 'plugin')) {
    const origin = pairs.find(({ key }) => key === 'plugin')?.origin ?? { file, line: 1 };
    return yaml.error(
      origin,
      'this configures an inventory plugin; import what `ansible-inventory --list` prints instead',
    );
  }
  for (const { key, value, origin } of pairs) readGroup(key, value, origin, { yaml, inventory, depth: 0 });
}

function readGroup(
  name: string,
  node: unknown,
  origin: Origin,
  walk: { yaml: AnsibleYaml; inventory: Inventory; depth: number },
): void {
  const { yaml, inventory } = walk;
  const group = inventory.group(name);
  if (walk.depth > 50) return yaml.error(origin, `${name}: nested too deeply`);
  if (yaml.isNothing(node)) return;
  const pairs = yaml.pairs(node);
  if (pairs === undefined) return yaml.error(origin, `${name}: expected a map with hosts, children, vars`);
  for (const { key, value, origin: at } of pairs) {
    if (key === 'vars') yaml.vars(value, group.vars, `${name}.vars`, at);
    else if (key === 'children') {
      if (yaml.isNothing(value)) continue;
      const children = yaml.pairs(value);
      if (children === undefined && isScalar(value)) inventory.group(String(value.value));
      if (children === undefined && isScalar(value)) group.children.add(String(value.value));
      else if (children === undefined) yaml.error(at, `${name}.children: expected a map of groups`);
      for (const child of children ?? []) {
        group.children.add(child.key);
        readGroup(child.key, child.value, child.origin, { ...walk, depth: walk.depth + 1 });
      }
    } else if (key === 'hosts') readHosts(name, value, at, { yaml, inventory });
    else yaml.error(at, `${name}: “${key}” is none of hosts, children, vars`);
  }
}

function readHosts(
  group: string,
  node: unknown,
  origin: Origin,
  { yaml, inventory }: { yaml: AnsibleYaml; inventory: Inventory },
): void {
  if (yaml.isNothing(node)) return;
  const pairs = isScalar(node) ? [{ key: String(node.value), value: null, origin }] : yaml.pairs(node);
  if (pairs === undefined) return yaml.error(origin, `${group}.hosts: expected a map of hosts (a name, then “:”)`);
  for (const { key, value, origin: at } of pairs) {
    const expanded = expandHosts(key);
    if (typeof expanded === 'string') {
      yaml.error(at, expanded);
      continue;
    }
    for (const name of expanded.hosts) {
      const host = inventory.host(name, group, at);
      if (expanded.port !== undefined)
        host.vars.set('ansible_port', { value: { kind: 'scalar', text: String(expanded.port) }, origin: at });
      yaml.vars(value, host.vars, name, at);
    }
  }
}

/** Reads a file of group_vars/ or host_vars/. */
export function readVarsFile(file: string, text: string, inventory: Inventory, into: Vars): void {
  if (text.startsWith('$ANSIBLE_VAULT;'))
    return inventory.remark(
      'left-out',
      { file, line: 1 },
      'the whole file is encrypted by ansible-vault; nothing of it was read',
    );
  const yaml = new AnsibleYaml(file, text, inventory);
  if (yaml.document.errors.length > 0) return;
  yaml.vars(yaml.document.contents, into, 'the file', { file, line: 1 });
}
