import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { EdgectlError } from '../../errors/error.js';
import { ensureBaseRoot } from './base-root.js';
import { host } from './host-command.js';
import { Machine } from './machine.js';
import { createNetwork, removeNetwork } from './network.js';
import { furnish } from './furnish.js';
import { hasUnifiedCgroups } from './requirements.js';
import type { MachineRecord, MachinesOptions, MachinesRecord } from './types.js';

/** A running lab of real machines. */
export class MachinesLab {
  readonly nodes: readonly Machine[];
  private saving: Promise<void> = Promise.resolve();

  constructor(
    readonly dir: string,
    readonly record: MachinesRecord,
    unifiedCgroups: boolean,
  ) {
    const context = { bridge: record.bridge, unifiedCgroups, save: () => this.save() };
    this.nodes = record.nodes.map((node) => new Machine(node, context));
  }

  /** Private key whose owner is root on every machine. */
  get identityFile(): string {
    return this.record.identityFile;
  }

  /** A machine by its id. */
  node(id: string): Machine {
    const found = this.nodes.find((node) => node.id === id);
    if (found === undefined) throw new EdgectlError('NODE_NOT_FOUND', { message: `the lab has no machine ${id}` });
    return found;
  }

  /** Ends every machine and gives back bridge, mounts, loop devices and the directory. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.dispose()));
    await removeNetwork(this.record.bridge);
    for (const node of this.record.nodes)
      await rm(`/run/systemd/nspawn/propagate/${node.unit}`, { recursive: true, force: true });
    await rm(this.dir, { recursive: true, force: true });
  }

  /** Writes the state file; calls are carried out one after the other. */
  save(): Promise<void> {
    this.saving = this.saving.then(() =>
      writeFileAtomic(stateFile(this.dir), `${JSON.stringify(this.record, null, 2)}\n`),
    );
    return this.saving;
  }
}

/** Builds the base root when needed, then starts machines that are reachable as root over SSH. All of it is undone when one does not come up. */
export async function startMachines(options: MachinesOptions): Promise<MachinesLab> {
  const suite = options.suite ?? 'trixie';
  const baseRoot = await ensureBaseRoot({ ...options, suite });
  const dir = path.resolve(options.dir);
  await mkdir(dir, { recursive: true });
  const network = await createNetwork();
  const identityFile = path.join(dir, 'id_ed25519');
  const record: MachinesRecord = {
    schema: 1,
    tag: String(network.number),
    bridge: network.bridge,
    subnet: network.subnet,
    identityFile,
    nodes: [],
  };
  const unified = await hasUnifiedCgroups();
  try {
    await host(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'edgectl-lab', '-f', identityFile]);
    const publicKey = await readFile(`${identityFile}.pub`, 'utf8');
    for (let n = 1; n <= options.count; n += 1) {
      const id = `${options.prefix ?? 'edge'}-${String(n).padStart(3, '0')}`;
      const node: MachineRecord = {
        id,
        unit: `e${network.number}-${n}`,
        address: `${network.subnet}.${n + 10}`,
        suite,
        baseRoot,
        dir: path.join(dir, id),
        hostKey: '',
        stateImageMiB: options.stateImageMiB ?? null,
        supervisor: null,
        image: null,
      };
      node.hostKey = await furnish(node, publicKey);
      record.nodes.push(node);
    }
    const lab = new MachinesLab(dir, record, unified);
    await lab.save();
    options.log?.(`starting ${options.count} machines on ${record.subnet}.0/24`);
    await Promise.all(lab.nodes.map((node) => node.boot(options.signal)));
    return lab;
  } catch (error) {
    await new MachinesLab(dir, record, unified).stop();
    throw error;
  }
}

/** A lab that another process started; throws `LAB_NOT_FOUND` when the directory holds none. */
export async function openMachines(dir: string): Promise<MachinesLab> {
  const text = await readFile(stateFile(dir), 'utf8').catch((cause: unknown) => {
    throw new EdgectlError('LAB_NOT_FOUND', { message: `no lab of real machines is in ${dir}`, cause });
  });
  return new MachinesLab(dir, JSON.parse(text) as MachinesRecord, await hasUnifiedCgroups());
}

function stateFile(dir: string): string {
  return path.join(dir, 'machines.json');
}
