import { EdgectlError } from '../../errors/error.js';
import { host, tryHost } from './host-command.js';

/** A lab's own bridge; its name is the claim on the subnet. */
export interface LabNetwork {
  bridge: string;
  /** First three octets. */
  subnet: string;
  /** Number that makes this lab's names unique on the host. */
  number: number;
}

/** Makes a bridge with the first free 10.213.N.0/24 of this host. The kernel refuses a second bridge of a name, so two labs never share one. */
export async function createNetwork(): Promise<LabNetwork> {
  const used = await host(['ip', '-o', '-4', 'addr', 'show']);
  for (let number = 1; number < 250; number += 1) {
    const network = { bridge: `edl${number}`, subnet: `10.213.${number}`, number };
    if (used.includes(` ${network.subnet}.`)) continue;
    const added = await tryHost(['ip', 'link', 'add', network.bridge, 'type', 'bridge']);
    if (added.status !== 0 && added.stderr.includes('File exists')) continue;
    if (added.status !== 0)
      throw new EdgectlError('LAB_UNSUPPORTED', { message: `cannot make a bridge: ${added.stderr.trim()}` });
    await host(['ip', 'addr', 'add', `${network.subnet}.1/24`, 'dev', network.bridge]);
    await host(['ip', 'link', 'set', network.bridge, 'up']);
    return network;
  }
  throw new EdgectlError('LAB_UNSUPPORTED', {
    message: 'every network from 10.213.1.0/24 to 10.213.249.0/24 is in use here',
  });
}

/** Takes a lab's bridge away; nothing happens when it is gone already. */
export async function removeNetwork(bridge: string): Promise<void> {
  await tryHost(['ip', 'link', 'del', bridge]);
}

/** Cuts a machine's cable: its address stops answering, connections hang and then find no route. */
export async function cutCable(link: string): Promise<void> {
  await host(['ip', 'link', 'set', link, 'down']);
}

/** Turns a machine into a black hole: packets to its address leave and nothing ever comes back, not even a refusal. */
export async function blackHole(link: string, bridge: string, address: string): Promise<void> {
  await host(['ip', 'link', 'set', link, 'nomaster']);
  await host(['ip', 'neigh', 'replace', address, 'lladdr', '02:00:00:00:de:ad', 'dev', bridge, 'nud', 'permanent']);
}

/** Undoes {@link cutCable} and {@link blackHole}. */
export async function plugIn(link: string, bridge: string, address: string): Promise<void> {
  await tryHost(['ip', 'neigh', 'del', address, 'dev', bridge]);
  await host(['ip', 'link', 'set', link, 'master', bridge]);
  await host(['ip', 'link', 'set', link, 'up']);
}
