import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../errors/error.js';
import type { Bastion, Fleet, FleetNode } from '../fleet/types.js';
import type { KitLine } from '../node/types.js';
import type { HomeOfNode } from '../plan/preparation.js';
import { fileKnownHosts } from '../transport/known-hosts/file.js';

/** The bastion of that name, with its pinned host keys. Throws NODE_NOT_FOUND, SSH_HOST_KEY_UNKNOWN. */
export async function homeBastion(
  fleet: Pick<Fleet, 'bastions' | 'knownHostsFile'>,
  name: string,
): Promise<{ bastion: Bastion; keys: string[] }> {
  const bastion = fleet.bastions?.get(name);
  if (bastion === undefined) {
    const all = [...(fleet.bastions?.keys() ?? [])].join(', ') || 'none';
    throw new EdgectlError('NODE_NOT_FOUND', {
      message: `The fleet has no bastion ${name}; there is ${all}.`,
      hint: 'declare it under bastions in fleet.yaml',
    });
  }
  const { keys } = await fileKnownHosts(fleet.knownHostsFile).lookup(name);
  if (keys.length === 0)
    throw new EdgectlError('SSH_HOST_KEY_UNKNOWN', {
      message: `No host key of the bastion ${name} is pinned, and the nodes must know whom they call.`,
      hint: `edgectl node trust --bastion ${name}`,
    });
  return { bastion, keys: keys.map(({ type, key }) => `${type} ${key}`) };
}

/** Where a node shall call. Throws USAGE when fleet.yaml looks for it elsewhere. */
export function homeOf(node: FleetNode, { bastion, keys }: { bastion: Bastion; keys: readonly string[] }): HomeOfNode {
  const { address, port, user, dir } = bastion.callHome ?? {};
  if (node.callHome !== undefined && node.via.at(-1)?.name !== bastion.name)
    throw new EdgectlError('USAGE', {
      message: `fleet.yaml looks for ${node.id} on ${node.via.at(-1)?.name ?? 'no bastion'}, not on ${bastion.name}.`,
    });
  return {
    bastion: bastion.name,
    address: address ?? bastion.address,
    port: port ?? bastion.port,
    user: user ?? 'edgectl-home',
    socket: node.callHome ?? `${dir ?? '/srv/edgectl-home'}/${node.id}.sock`,
    sshd: node.port,
    keys,
  };
}

/** The keys of nodes for the login of a bastion’s tunnels, a file of the fleet repository. */
export function homeKeysFile(fleet: Pick<Fleet, 'dir'>, bastion: string): string {
  return path.join(fleet.dir, 'call-home', `${bastion}.authorized_keys`);
}

/**
 * A line of authorized_keys(5) for a node's tunnel: no command, no terminal, no way on, no TCP port. Which sockets it may open cannot be said
 * there; sshd_config says that (docs/tasks/bastions.md).
 */
export function homeKeyLine(node: string, key: string): string {
  return `restrict,port-forwarding,permitopen="127.0.0.1:1",permitlisten="127.0.0.1:1",command="/bin/false" ${key} ${node}`;
}

/** What to do with the keys that nodes made, behind the result of a preparation; empty when none is there. */
export async function homeKeysNote(fleet: Pick<Fleet, 'dir' | 'bastions'>, name: string): Promise<string> {
  const file = homeKeysFile(fleet, name);
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text === '') return '';
  const user = fleet.bastions?.get(name)?.callHome?.user ?? 'edgectl-home';
  return `\n\nOn ${name}, these lines belong into the authorized_keys of ${user}:  ${file}`;
}

/** Keeps the public keys that nodes made for their tunnels, one line a node. What a node sends is not taken for a key unless it is one. */
export class HomeKeys {
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly fleet: Pick<Fleet, 'dir'>) {}

  async keep(node: string, bastion: string, lines: readonly KitLine[]): Promise<void> {
    const key = lines.find((line) => line.t === 'call-home')?.['key'];
    if (typeof key !== 'string' || !/^ssh-ed25519 [A-Za-z0-9+/]{68}={0,2}$/.test(key)) return;
    const write = this.#last.then(() => this.#put(node, bastion, key));
    this.#last = write.catch(() => undefined);
    await write;
  }

  async #put(node: string, bastion: string, key: string): Promise<void> {
    const file = homeKeysFile(this.fleet, bastion);
    const text = await readFile(file, 'utf8').catch(() => '');
    const others = text.split('\n').filter((line) => line !== '' && !line.endsWith(` ${node}`));
    const wanted = `${[...others, homeKeyLine(node, key)].join('\n')}\n`;
    if (wanted === text) return;
    const { default: writeFileAtomic } = await import('write-file-atomic');
    await mkdir(path.dirname(file), { recursive: true });
    await writeFileAtomic(file, wanted, { mode: 0o644 });
  }
}
