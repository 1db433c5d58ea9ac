import type { Origin, Remark } from '../model.js';
import type { Var, Vars } from './value.js';

/** A group of an inventory. */
export interface Group {
  name: string;
  vars: Vars;
  children: Set<string>;
  hosts: Set<string>;
}

/** A host of an inventory, with the variables that stand beside it. */
export interface Host {
  name: string;
  vars: Vars;
  origin: Origin;
}

/** Groups, hosts and variables as Ansible keeps them; parsers fill it in the order of the sources. */
export class Inventory {
  readonly groups = new Map<string, Group>();
  readonly hosts = new Map<string, Host>();
  /** What ansible.cfg says, which every variable is stronger than. */
  readonly settings: Vars = new Map();
  /** Variables of group_vars/ and host_vars/, by `group NAME` or `host NAME`; they win over those of the inventory itself. */
  readonly files = new Map<string, Vars>();
  readonly remarks: Remark[] = [];

  constructor() {
    this.group('all');
  }

  group(name: string): Group {
    let group = this.groups.get(name);
    if (group === undefined)
      this.groups.set(name, (group = { name, vars: new Map(), children: new Set(), hosts: new Set() }));
    return group;
  }

  host(name: string, group: string, origin: Origin): Host {
    let host = this.hosts.get(name);
    if (host === undefined) this.hosts.set(name, (host = { name, vars: new Map(), origin }));
    this.group(group).hosts.add(name);
    return host;
  }

  remark(level: Remark['level'], origin: Origin, message: string): void {
    this.remarks.push({ level, ...origin, message });
  }

  /** Every host's groups, parents before children as Ansible merges them: by depth, ansible_group_priority, name. */
  membership(): Map<string, Group[]> {
    const parents = new Map<string, string[]>();
    for (const group of this.groups.values())
      for (const child of group.children) parents.set(child, [...(parents.get(child) ?? []), group.name]);
    const depths = new Map<string, number>();
    const depth = (name: string, path: readonly string[] = []): number => {
      const known = depths.get(name);
      if (known !== undefined || path.includes(name)) return known ?? 0;
      const above = (parents.get(name) ?? []).filter((parent) => parent !== name);
      const value = name === 'all' ? 0 : 1 + Math.max(0, ...above.map((parent) => depth(parent, [...path, name])));
      depths.set(name, value);
      return value;
    };
    const priority = (group: Group): number => {
      const value = group.vars.get('ansible_group_priority')?.value;
      return value?.kind === 'scalar' ? Number(value.text) || 1 : 1;
    };
    const ancestors = (names: Iterable<string>, into = new Set<string>()): Set<string> => {
      for (const name of names) {
        if (into.has(name)) continue;
        into.add(name);
        ancestors(parents.get(name) ?? [], into);
      }
      return into;
    };
    const direct = new Map<string, string[]>();
    for (const group of this.groups.values())
      for (const host of group.hosts) direct.set(host, [...(direct.get(host) ?? []), group.name]);
    const order = (a: Group, b: Group): number =>
      depth(a.name) - depth(b.name) || priority(a) - priority(b) || (a.name < b.name ? -1 : 1);
    return new Map(
      [...this.hosts.keys()].map((host) => {
        const names = ancestors(direct.get(host) ?? []);
        names.delete('all');
        names.delete('ungrouped');
        return [host, [...names].map((name) => this.group(name)).sort(order)];
      }),
    );
  }

  /** A host's variables after merging, the strongest last. */
  variables(host: Host, groups: readonly Group[]): Map<string, Var> {
    const all = this.group('all');
    return new Map([
      ...this.settings,
      ...all.vars,
      ...groups.flatMap((group) => [...group.vars]),
      ...(this.files.get('group all') ?? []),
      ...groups.flatMap((group) => [...(this.files.get(`group ${group.name}`) ?? [])]),
      ...host.vars,
      ...(this.files.get(`host ${host.name}`) ?? []),
    ]);
  }
}
