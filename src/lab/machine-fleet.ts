import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ulid } from 'ulid';
import { EdgectlError } from '../errors/error.js';
import { fleetYaml, genuineRuntimesYaml, knownHosts } from './fleet-files.js';
import { fleetStateDir, type LabLayout, machinesDir } from './layout.js';
import { type GenuineBundle, newerSuite, packGenuine } from './machines/genuine.js';
import { type MachinesLab, startMachines } from './machines/machines.js';
import { prepareMachine } from './machines/prepare.js';
import { machinesLack } from './machines/requirements.js';
import { startWorkload } from './machines/workload.js';
import { labRoster } from './roster.js';
import { type LabState, writeLabState } from './state.js';
import { installLabKey, labPacker } from './supply.js';
import { requireVacant } from './vacant.js';

/** What a lab of real machines is made from. */
export interface MachineFleetOptions {
  layout: LabLayout;
  machines: number;
  /** Number of sites; one for every four machines when absent. */
  sites?: number;
  env: Readonly<Record<string, string | undefined>>;
  now: () => Date;
  /** Version that the machines' kit says of itself. */
  version: string;
  onStep: (text: string) => void;
  signal: AbortSignal;
}

/** What came up. */
export interface MachineFleetResult {
  dir: string;
  fleetDir: string;
  fleetId: string;
  nodes: { id: string; address: string; page: string }[];
  runtimes: GenuineBundle[];
}

/** Size of each machine's own state image, which makes power cuts lose what was not synced. */
const stateImageMiB = 512;
/** Login that `node prepare` makes on each machine. */
const user = 'edgectl';

/** Real systemd machines, prepared, each with a container that serves, and newer genuine builds to roll out. Needs root. */
export class MachineFleet {
  readonly #options: MachineFleetOptions;
  readonly #fleetId: string;
  readonly #state: LabState;

  constructor(options: MachineFleetOptions) {
    this.#options = options;
    this.#fleetId = ulid(options.now().getTime());
    this.#state = {
      schema: 1,
      kind: 'machines',
      createdAt: options.now().toISOString(),
      fleet: { id: this.#fleetId, dir: options.layout.fleetDir },
      nodes: options.machines,
      leftElsewhere: [fleetStateDir(options.env, this.#fleetId)],
    };
  }

  async up(): Promise<MachineFleetResult> {
    const { layout, env } = this.#options;
    await requireMachines(env);
    await requireVacant(layout);
    await mkdir(layout.fleetDir, { recursive: true, mode: 0o700 });
    let lab: MachinesLab | undefined;
    try {
      lab = await this.#start();
      return await this.#furnish(lab);
    } catch (error) {
      // What is half up would only be in the way of the next try.
      await lab?.stop();
      for (const path of this.#state.leftElsewhere) await rm(path, { recursive: true, force: true });
      await rm(layout.dir, { recursive: true, force: true });
      throw error;
    }
  }

  #start(): Promise<MachinesLab> {
    const { layout, machines, onStep, signal } = this.#options;
    const log = (text: string): void => onStep(text);
    return startMachines({
      dir: machinesDir(layout),
      count: machines,
      cacheDir: this.#cacheDir(),
      stateImageMiB,
      signal,
      log,
    });
  }

  async #furnish(lab: MachinesLab): Promise<MachineFleetResult> {
    const { layout, env, now, version, onStep } = this.#options;
    // From here on `lab down` knows of it, whatever becomes of this process.
    await writeLabState(layout, this.#state);
    await this.#writeFleet(lab);
    await this.#leaves(await installLabKey({ layout, fleetId: this.#fleetId, env }));
    onStep(`Fetching, packing and signing the builds of Debian ${newerSuite}`);
    const packer = await labPacker({ layout, fleetId: this.#fleetId, env, now });
    const runtimes = await packGenuine(packer, join(this.#cacheDir(), 'debs'));
    await this.#leaves(runtimes.paths);
    await writeFile(join(layout.fleetDir, 'runtimes.yaml'), genuineRuntimesYaml(newerSuite, runtimes.bundles));
    onStep(`Preparing ${lab.nodes.length} machines with the node kit, and starting a container on each`);
    const authorizedKey = (await readFile(`${lab.identityFile}.pub`, 'utf8')).trim();
    const signersFile = join(layout.fleetDir, 'trust', 'allowed_signers');
    const told = { fleetId: this.#fleetId, version, user, authorizedKey, signersFile, now };
    const nodes = await Promise.all(
      lab.nodes.map(async (machine) => {
        await prepareMachine(machine, told);
        return { id: machine.id, address: machine.address, page: await startWorkload(machine) };
      }),
    );
    const { fleetDir, dir } = layout;
    return { dir, fleetDir, fleetId: this.#fleetId, nodes, runtimes: runtimes.bundles };
  }

  async #writeFleet(lab: MachinesLab): Promise<void> {
    const dir = this.#options.layout.fleetDir;
    const roster = labRoster(lab.nodes.length, this.#options.sites);
    const nodes = lab.nodes.flatMap(({ id, address }, i) => {
      const place = roster[i];
      return place === undefined ? [] : [{ ...place, id, address, port: 22 }];
    });
    const about = 'Every node is a systemd machine of its own on this computer.';
    await mkdir(join(dir, 'policies'), { recursive: true });
    await writeFile(join(dir, '.edgectl-lab'), 'This fleet is a lab, made by edgectl lab up --machines.\n');
    await writeFile(
      join(dir, 'fleet.yaml'),
      fleetYaml({ id: this.#fleetId, name: 'lab', user, identity: lab.identityFile, nodes, about }),
    );
    const pins = lab.record.nodes.map(({ id, hostKey }) => ({ id, hostPublicKey: hostKey }));
    await writeFile(join(dir, 'known_hosts'), knownHosts(pins));
  }

  async #leaves(paths: readonly string[]): Promise<void> {
    this.#state.leftElsewhere.push(...paths);
    await writeLabState(this.#options.layout, this.#state);
  }

  #cacheDir(): string {
    const { env } = this.#options;
    const cache = env['XDG_CACHE_HOME'];
    return join(cache?.startsWith('/') === true ? cache : join(env['HOME'] ?? homedir(), '.cache'), 'edgectl', 'lab');
  }
}

async function requireMachines(env: MachineFleetOptions['env']): Promise<void> {
  const lines = await machinesLack(env, process.getuid?.() ?? -1);
  if (lines.length === 0) return;
  throw new EdgectlError('LAB_UNSUPPORTED', {
    message: 'Real machines need what this computer lacks.',
    lines,
    hint: 'leave out --machines',
  });
}
