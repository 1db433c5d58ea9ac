import path from 'node:path';
import type { Hop, Imported, ImportedNode, Origin, Remark } from '../model.js';
import { parseHop } from '../model.js';
import { hopsOfCommand } from '../ssh-arguments.js';
import { readExtra } from './extra.js';
import type { Evaluated, LocalUser } from './evaluate.js';
import { evaluate } from './evaluate.js';
import { taken } from './keywords.js';
import type { Directive } from './parse.js';
import { parseSshConfig } from './parse.js';

/** What to import from an ssh_config. */
export interface SshConfigSource {
  file: string;
  /** Hosts to ask for beside those that it spells out: patterns such as `pos-*` name none. */
  hosts: readonly string[];
  /** Keep hosts that others jump through among the nodes. */
  keepBastions: boolean;
  user: LocalUser;
}

const needsProgram: ReadonlyMap<string, string> = new Map([
  ['certificatefile', 'a user certificate'],
  ['gssapiauthentication', 'GSSAPI'],
  ['pkcs11provider', 'a PKCS#11 token'],
  ['securitykeyprovider', 'a security key'],
]);
const deepestChain = 8;

/** Reads an ssh_config as ssh itself would for each host that it spells out. */
export async function importSshConfig(source: SshConfigSource): Promise<Imported> {
  const remarks: Remark[] = [];
  const userDir = path.join(source.user.home, '.ssh');
  const directives = await parseSshConfig(source.file, { home: source.user.home, userDir }, remarks);
  const extra = await readExtra(source.file);
  const reader = new SshConfigReader(directives, source, remarks);
  const nodes = reader.nodes().map((node) => ({ ...node, ...extra.get(node.name) }));
  reader.remarkOnTheRest();
  const seen = new Set<string>();
  const once = remarks.filter(
    ({ file, line, message }) => !seen.has(`${file}:${line}${message}`) && seen.add(`${file}:${line}${message}`),
  );
  return { nodes, remarks: once };
}

class SshConfigReader {
  private readonly jumped = new Set<string>();

  constructor(
    private readonly directives: readonly Directive[],
    private readonly source: SshConfigSource,
    private readonly remarks: Remark[],
  ) {}

  nodes(): ImportedNode[] {
    const hosts = new Map<string, Origin>();
    spelledOut(this.directives, hosts);
    for (const host of this.source.hosts) if (!hosts.has(host)) hosts.set(host, { file: this.source.file, line: 1 });
    const nodes = [...hosts].flatMap(([host, origin]) => this.node(host, origin) ?? []);
    if (this.source.keepBastions) return nodes;
    for (const node of nodes.filter(({ name }) => this.jumped.has(name)))
      this.say('note', node.origin, `${node.name} is a bastion of others, so it is no node (--keep-bastions keeps it)`);
    return nodes.filter(({ name }) => !this.jumped.has(name));
  }

  private say(level: Remark['level'], origin: Origin, message: string): void {
    this.remarks.push({ level, file: origin.file, line: origin.line, message });
  }

  private node(host: string, origin: Origin): ImportedNode | undefined {
    const found = evaluate(this.directives, host, this.source.user, this.remarks);
    const own = this.reach(host, found, origin);
    const via = this.via(host, found, 0);
    if (own === undefined || via === undefined) return undefined;
    const reasons = [...needsProgram].filter(
      ([key]) => !['', 'no', 'none'].includes(found.options.get(key)?.value.toLowerCase() ?? ''),
    );
    if (via === 'openssh')
      reasons.push(['proxycommand', `ProxyCommand ${found.options.get('proxycommand')?.value ?? ''}`]);
    for (const [key, why] of reasons)
      this.say('note', found.options.get(key)?.origin ?? origin, `${why}: needs the ssh program (transport: openssh)`);
    return {
      name: host,
      ...own,
      via: via === 'openssh' ? [] : via,
      ...(reasons.length > 0 ? { transport: 'openssh' as const } : {}),
      groups: [],
      labels: {},
      origin,
    };
  }

  /** Address, port, user and keys; undefined when the port is none. */
  private reach(host: string, found: Evaluated, origin: Origin): Omit<Hop, 'name'> | undefined {
    const port = found.options.get('port');
    const user = found.options.get('user')?.value;
    if (port !== undefined && !(Number(port.value) >= 1 && Number(port.value) <= 65_535)) {
      this.say('error', port.origin, `Port: expected a port from 1 to 65535, found “${port.value}”`);
      return undefined;
    }
    const identity = found.identities.flatMap(({ value, origin: at }) => {
      if (value.toLowerCase() === 'none') return [];
      const path = this.expand(value, { host, found, user: user ?? this.source.user.name });
      if (path === undefined) this.say('error', at, `IdentityFile ${value} has a token that is not known here`);
      return path ?? [];
    });
    if (user === undefined && !this.jumped.has(host))
      this.say(
        'note',
        origin,
        `no User: ssh would log in as ${this.source.user.name}; edgectl takes the fleet’s default`,
      );
    return {
      address: found.hostname,
      identity,
      ...(port === undefined ? {} : { port: Number(port.value) }),
      ...(user === undefined ? {} : { user }),
    };
  }

  private expand(
    value: string,
    { host, found, user }: { host: string; found: Evaluated; user: string },
  ): string | undefined {
    const tokens: Readonly<Record<string, string>> = {
      '%': '%',
      h: found.hostname,
      n: host,
      p: found.options.get('port')?.value ?? '22',
      r: user,
      u: this.source.user.name,
      d: '~',
      k: found.options.get('hostkeyalias')?.value ?? host,
    };
    let known = true;
    const filled = value.replace(/%(.)/g, (all, token: string) => {
      if (tokens[token] === undefined) known = false;
      return tokens[token] ?? all;
    });
    return known && !filled.includes('${') ? filled : undefined;
  }

  /** The hops before a host, those of the first hop's own configuration in front. */
  private via(host: string, found: Evaluated, depth: number): Hop[] | 'openssh' | undefined {
    const jump = found.options.get('proxyjump');
    const command = found.options.get('proxycommand');
    if (command !== undefined) {
      const hops = hopsOfCommand(command.value);
      return hops === undefined ? 'openssh' : this.resolve(hops, depth, command.origin);
    }
    if (jump === undefined || jump.value.toLowerCase() === 'none') return [];
    const text = jump.value.replace(/%h/g, found.hostname).replace(/%n/g, host);
    const hops = text.split(',').map((part) => parseHop(part));
    if (hops.every((hop) => hop !== undefined)) return this.resolve(hops, depth, jump.origin);
    this.say('error', jump.origin, `ProxyJump: “${jump.value}” is no list of [user@]host[:port]`);
    return undefined;
  }

  private resolve(hops: readonly Hop[], depth: number, origin: Origin): Hop[] | undefined {
    if (depth > deepestChain) {
      this.say('error', origin, 'the jump hosts lead in a circle');
      return undefined;
    }
    const chain: Hop[] = [];
    for (const [index, hop] of hops.entries()) {
      const alias = hop.address;
      this.jumped.add(alias);
      const found = evaluate(this.directives, alias, this.source.user, this.remarks);
      const reached = this.reach(alias, found, origin);
      // Only the first hop is opened by its own configuration: ssh passes -J to the others.
      const before = index === 0 ? this.via(alias, found, depth + 1) : [];
      if (reached === undefined || before === undefined) return undefined;
      if (before === 'openssh') {
        this.say('error', origin, `${alias} itself is reached through a ProxyCommand that is no plain jump`);
        return undefined;
      }
      chain.push(...before, {
        ...reached,
        name: alias,
        ...(hop.user === undefined ? {} : { user: hop.user }),
        ...(hop.port === undefined ? {} : { port: hop.port }),
        identity: hop.identity.length > 0 ? hop.identity : reached.identity,
      });
    }
    return chain;
  }

  /** Options that were read and are not needed, one remark a keyword; patterns that name no host. */
  remarkOnTheRest(): void {
    const seen = new Map<string, { origin: Origin; count: number }>();
    const walk = (directives: readonly Directive[]): void => {
      for (const { keyword, included, origin, raw } of directives) {
        if (included !== undefined) walk(included);
        else if (keyword === 'stricthostkeychecking' && /no|off/i.test(raw))
          this.say(
            'note',
            origin,
            'StrictHostKeyChecking is not taken over: edgectl pins host keys (edgectl node trust)',
          );
        else if (!['host', 'match'].includes(keyword) && !taken.has(keyword)) {
          const before = seen.get(keyword);
          seen.set(keyword, { origin: before?.origin ?? origin, count: (before?.count ?? 0) + 1 });
        }
      }
    };
    walk(this.directives);
    for (const [keyword, { origin, count }] of seen)
      this.say(
        'left-out',
        origin,
        `${keyword}: says nothing about how a node is reached${count > 1 ? ` (${count} times)` : ''}`,
      );
  }
}

/** Hosts that Host lines spell out, without patterns, in order. */
function spelledOut(directives: readonly Directive[], into: Map<string, Origin>): void {
  for (const { keyword, args, origin, included } of directives) {
    if (included !== undefined) spelledOut(included, into);
    if (keyword !== 'host') continue;
    for (const word of args) if (!/[*?!]/.test(word) && !into.has(word)) into.set(word, origin);
  }
}
