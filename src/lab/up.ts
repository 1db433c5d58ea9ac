import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeKeyPair } from './key-pair.js';
import { ulid } from 'ulid';
import { startDaemon } from './daemon-process.js';
import { labDown } from './down.js';
import { fleetYaml, knownHosts, type LabBundle, runtimesYaml } from './fleet-files.js';
import { fleetStateDir, memoryDir, type LabLayout } from './layout.js';
import { freePorts } from './ports.js';
import { makeNodeRoots } from './provision.js';
import { type RosterNode, labRoster } from './roster.js';
import { installLabKey, packLabRuntimes } from './supply.js';
import { requireVacant } from './vacant.js';
import { type LabNodes, type LabState, writeLabNodes, writeLabState } from './state.js';

/** What `lab up` needs to know. */
export interface LabUpOptions {
  layout: LabLayout;
  nodes: number;
  /** Number of sites; one for every four nodes when absent. */
  sites?: number;
  /** For `XDG_*`. */
  env: Readonly<Record<string, string | undefined>>;
  now: () => Date;
  /** Version that the nodes' kit says of itself. */
  version: string;
  /** Called when a step begins. */
  onStep: (text: string) => void;
}

/** What came up. */
export interface LabUpResult {
  dir: string;
  fleetDir: string;
  fleetId: string;
  pid: number;
  nodes: RosterNode[];
  sites: number;
  runtimes: LabBundle[];
}

/** User that logs in on every node; the server accepts no other. */
const labUser = 'edgectl';

/** Bring an embedded lab up: a fleet repository, its nodes with the real kit, a runtime to roll out, and the process that serves it all. */
export class LabUp {
  readonly #options: LabUpOptions;
  readonly #layout: LabLayout;
  readonly #fleetId: string;

  constructor(options: LabUpOptions) {
    this.#options = options;
    this.#layout = options.layout;
    this.#fleetId = ulid(options.now().getTime());
  }

  async run(): Promise<LabUpResult> {
    await requireVacant(this.#layout);
    const state = await this.#begin();
    try {
      return await this.#bringUp(state);
    } catch (error) {
      // What is half up would only be in the way of the next try.
      await labDown(this.#layout).catch(() => undefined);
      throw error;
    }
  }

  async #bringUp(state: LabState): Promise<LabUpResult> {
    const { onStep } = this.#options;
    onStep('Making keys and addresses');
    const roster = labRoster(this.#options.nodes, this.#options.sites);
    const nodes = await this.#writeNodes(roster);
    await this.#writeFleet(roster, nodes);
    const { env } = this.#options;
    state.leftElsewhere.push(...(await installLabKey({ layout: this.#layout, fleetId: this.#fleetId, env })));
    await writeLabState(this.#layout, state);
    onStep('Packing and signing runtimes');
    const runtimes = await packLabRuntimes({
      layout: this.#layout,
      fleetId: this.#fleetId,
      env,
      now: this.#options.now,
    });
    state.leftElsewhere.push(...runtimes.paths, ...roster.map(({ id }) => memoryDir(this.#layout.nodeRoot(id))));
    await writeLabState(this.#layout, state);
    await writeFile(join(this.#layout.fleetDir, 'runtimes.yaml'), runtimesYaml('lab-runtime', runtimes.bundles));
    onStep(`Preparing ${roster.length} nodes with the node kit`);
    const hostKeys = new Map(nodes.nodes.map(({ id, hostPublicKey }) => [id, hostPublicKey]));
    await makeNodeRoots({ ...this.#options, fleetId: this.#fleetId, nodes: roster, hostKeys });
    onStep('Booting');
    const daemon = await startDaemon(this.#layout);
    await writeLabState(this.#layout, { ...state, daemon: { ...daemon, socket: this.#layout.socket } });
    return {
      dir: this.#layout.dir,
      fleetDir: this.#layout.fleetDir,
      fleetId: this.#fleetId,
      pid: daemon.pid,
      nodes: roster,
      sites: new Set(roster.map((node) => node.site)).size,
      runtimes: runtimes.bundles,
    };
  }

  async #begin(): Promise<LabState> {
    await mkdir(this.#layout.dir, { recursive: true, mode: 0o700 });
    const state: LabState = {
      schema: 1,
      kind: 'embedded',
      createdAt: this.#options.now().toISOString(),
      fleet: { id: this.#fleetId, dir: this.#layout.fleetDir },
      nodes: this.#options.nodes,
      leftElsewhere: [fleetStateDir(this.#options.env, this.#fleetId)],
    };
    await writeLabState(this.#layout, state);
    return state;
  }

  async #writeNodes(roster: readonly RosterNode[]): Promise<LabNodes> {
    const client = makeKeyPair('edgectl-lab');
    const ports = await freePorts(roster.length);
    const nodes: LabNodes = {
      user: labUser,
      clientKey: client.public,
      nodes: roster.map(({ id }, i) => {
        const host = makeKeyPair();
        return { id, port: ports[i] ?? 0, hostKey: host.private, hostPublicKey: host.public };
      }),
    };
    await mkdir(join(this.#layout.dir, 'keys'), { recursive: true, mode: 0o700 });
    await writeFile(this.#layout.clientKey, client.private, { mode: 0o600 });
    await writeLabNodes(this.#layout, nodes);
    return nodes;
  }

  async #writeFleet(roster: readonly RosterNode[], nodes: LabNodes): Promise<void> {
    const dir = this.#layout.fleetDir;
    await mkdir(join(dir, 'policies'), { recursive: true });
    const placed = roster.map((node, i) => ({ ...node, port: nodes.nodes[i]?.port ?? 0 }));
    const identity = this.#layout.clientKey;
    const about = 'Every node is a directory on this computer: a sandbox to rehearse in.';
    const text = fleetYaml({ id: this.#fleetId, name: 'lab', user: labUser, identity, nodes: placed, about });
    await writeFile(join(dir, '.edgectl-lab'), 'This fleet is a sandbox, made by edgectl lab up.\n');
    await writeFile(join(dir, 'fleet.yaml'), text);
    await writeFile(join(dir, 'known_hosts'), knownHosts(nodes.nodes));
  }
}
