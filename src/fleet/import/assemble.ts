import { isAddress, isName } from '../schema/scalars.js';
import type { Hop, Imported, ImportedNode, Remark } from './model.js';
import type { PlaceRule } from './places.js';

/** A file of nodes before it is written: what its keys will say. */
export interface Assembled {
  bastions: Map<string, Hop>;
  regions: Set<string>;
  /** Site → region; empty when it has none. */
  sites: Map<string, string>;
  nodes: Map<string, AssembledNode>;
  remarks: Remark[];
}

/** A node with names that a fleet can use. */
export type AssembledNode = Omit<ImportedNode, 'name' | 'via'> & { via: readonly string[] };

/** What is done with the nodes of the sources. */
export interface AssembleOptions {
  siteFrom?: PlaceRule;
  regionFrom?: PlaceRule;
  /** Whom ssh would log in as on a bastion that names nobody. */
  localUser?: string;
  /** Which labels are kept. */
  keepLabel: (name: string) => boolean;
}

/** A name for a fleet out of any text: `2001:db8::1` → `2001-db8--1`. */
export function nameFrom(text: string): string {
  const name = text
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63);
  return isName(name) ? name : `n-${name}`.slice(0, 63);
}

/** Puts the nodes of several sources together; of a node that is in several, the later source's word counts. */
export function assemble(sources: readonly Imported[], options: AssembleOptions): Assembled {
  const merged = new Map<string, ImportedNode>();
  for (const { nodes } of sources) {
    for (const node of nodes) {
      const before = merged.get(node.name);
      merged.set(node.name, before === undefined ? node : mergeNodes(before, node));
    }
  }
  const assembler = new Assembler(options);
  for (const node of merged.values()) assembler.add(node);
  assembler.result.remarks.unshift(...sources.flatMap(({ remarks }) => remarks));
  return assembler.result;
}

function mergeNodes(before: ImportedNode, after: ImportedNode): ImportedNode {
  return {
    ...before,
    ...after,
    address: after.address === after.name ? before.address : after.address,
    identity: after.identity.length > 0 ? after.identity : before.identity,
    via: after.via.length > 0 ? after.via : before.via,
    groups: [...new Set([...before.groups, ...after.groups])],
    labels: { ...before.labels, ...after.labels },
  };
}

class Assembler {
  readonly result: Assembled = {
    bastions: new Map(),
    regions: new Set(),
    sites: new Map(),
    nodes: new Map(),
    remarks: [],
  };
  private readonly hops = new Map<string, string>();
  private readonly names = new Map<string, string>();

  constructor(private readonly options: AssembleOptions) {}

  add(node: ImportedNode): void {
    const { name, ...rest } = node;
    const id = nameFrom(name);
    const other = this.names.get(id);
    this.names.set(id, name);
    if (other !== undefined) return this.error(node, `${name} and ${other} would both be called ${id}`);
    if (id !== name) this.say('note', node, `${name} is called ${id} in the fleet`);
    if (!isAddress(node.address))
      return this.error(node, `${name}: “${node.address}” is neither a host name nor an IP address`);
    const bad = node.via.find((hop) => !isAddress(hop.address));
    if (bad !== undefined)
      return this.error(node, `${name}: the way leads through “${bad.address}”, which is no address`);
    const site = this.place(node, 'site', this.options.siteFrom);
    const region = this.place(node, 'region', this.options.regionFrom);
    this.declare(node, site ?? (region === undefined ? undefined : region), region);
    const labels = Object.entries(node.labels).filter(([key]) => this.options.keepLabel(key));
    const placed = site ?? region;
    this.result.nodes.set(id, {
      ...rest,
      via: node.via.map((hop) => this.bastion(hop)),
      groups: [...new Set(node.groups.map(nameFrom))],
      labels: Object.fromEntries(labels),
      ...(placed === undefined ? {} : { site: placed }),
    });
  }

  private say(level: Remark['level'], { origin }: ImportedNode, message: string): void {
    this.result.remarks.push({ level, ...origin, message });
  }

  private error(node: ImportedNode, message: string): void {
    this.say('error', node, message);
  }

  private place(node: ImportedNode, what: 'site' | 'region', rule: PlaceRule | undefined): string | undefined {
    const given = node[what];
    if (rule === undefined) return given === undefined ? undefined : nameFrom(given);
    const found = rule.placesOf(node);
    if (found.length > 1) this.error(node, `${node.name}: several ${what}s come of ${rule.text}: ${found.join(', ')}`);
    if (found.length === 0) this.say('note', node, `${node.name}: no ${what} comes of ${rule.text}`);
    const [first] = found;
    return first === undefined ? undefined : nameFrom(first);
  }

  private declare(node: ImportedNode, site: string | undefined, region: string | undefined): void {
    if (region !== undefined) this.result.regions.add(region);
    if (site === undefined) return;
    const before = this.result.sites.get(site);
    if (before !== undefined && before !== '' && region !== undefined && before !== region)
      this.error(node, `${node.name}: the site ${site} is in region ${before} already, not in ${region}`);
    else this.result.sites.set(site, region ?? before ?? '');
  }

  private bastion(hop: Hop): string {
    const { name, ...given } = hop;
    const user = hop.user ?? this.options.localUser;
    const reached = { ...given, ...(user === undefined ? {} : { user }) };
    const key = JSON.stringify([hop.address, hop.port ?? 22, user ?? '', hop.identity]);
    const known = this.hops.get(key);
    if (known !== undefined) return known;
    const wanted = nameFrom(name ?? hop.address);
    let free = wanted;
    for (let number = 2; this.result.bastions.has(free); number++) free = `${wanted.slice(0, 58)}-${number}`;
    this.hops.set(key, free);
    this.result.bastions.set(free, reached);
    return free;
  }
}
