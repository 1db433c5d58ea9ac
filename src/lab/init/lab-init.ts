import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { InitServer } from './init-server.js';
import { killNode, processesNamed, startOf } from './node-processes.js';
import { Timers } from './timers.js';
import { enabledUnits, readUnit } from './unit-file.js';
import type { UnitState } from './unit.js';
import { Unit } from './unit.js';

/*
 * The init of one sandbox node: a directory is its root, and this object owns its units, timers and stop hooks.
 *
 *   const init = new LabInit({ root });
 *   await init.boot();                                    // new boot id, `recover`, then the enabled units
 *   const child = init.spawn([`${root}/usr/local/sbin/edgectl-node`, 'hello']);   // pipes, and fd 3 served
 *   await init.powerCut(); await init.boot();             // everything volatile is gone, the disk stays
 *   await init.shutdown();                                // stop hooks run, as in an orderly reboot
 *
 * Units are files `etc/lab-init/units/<unit name>.unit` of `key=value` lines (see unit-file.ts), with drop-ins beside them
 * and, stronger and volatile, under `run/lab-init/units`. A unit's output is appended to `var/log/lab-init/<unit>.log`.
 */

/** Something that happened to a node's units, for logs and tests. */
export interface LabInitEvent {
  unit: string;
  state: UnitState['state'];
}

/** How a {@link LabInit} is made. */
export interface LabInitOptions {
  /** Absolute path of the directory that is the node's root. */
  root: string;
  onEvent?: (event: LabInitEvent) => void;
}

/** Where the kit is, seen from the root. */
const kit = 'usr/local/sbin/edgectl-node';

/** Owns the processes of one sandbox node. */
export class LabInit {
  readonly root: string;
  readonly #onEvent: (event: LabInitEvent) => void;
  readonly #units = new Map<string, Unit>();
  readonly #timers = new Timers();
  /** Sessions that were started for the node, each with the start time of its leader. */
  readonly #sessions = new Map<number, string>();
  #bootId = '';
  #stopping = false;
  #off = false;

  constructor(options: LabInitOptions) {
    this.root = options.root;
    this.#onEvent = options.onEvent ?? (() => undefined);
  }

  /** This boot's id; empty while the node is off. */
  get bootId(): string {
    return this.#bootId;
  }

  /** Boot: a new boot id, an empty `run`, recovery, and then the enabled units. */
  async boot(): Promise<void> {
    this.#stopping = false;
    this.#off = false;
    this.#bootId = randomUUID();
    const run = join(this.root, 'run', 'lab-init');
    await rm(join(this.root, 'run'), { recursive: true, force: true });
    await mkdir(run, { recursive: true });
    await writeFile(join(run, 'boot_id'), `${this.#bootId}\n`);
    await writeFile(join(run, 'booted_at'), `${Math.floor(await uptime())}\n`);
    await this.recover();
    // What edgectl-secrets.service does on a machine.
    if (await exists(join(this.root, 'var/lib/edgectl/secrets/store'))) await this.#kit('secrets-open');
    for (const name of await enabledUnits(this.root)) await this.#unit(name).start();
  }

  /** Run the kit's recovery, as the unit of a real machine does at boot; nothing when there is no kit. */
  async recover(): Promise<void> {
    if (await exists(join(this.root, kit))) await this.#kit('recover');
  }

  async #kit(verb: string): Promise<void> {
    const child = this.spawn([join(this.root, kit), verb]);
    child.stdin?.end();
    child.stdout?.resume();
    child.stderr?.resume();
    await ended(child);
  }

  /** Run a process of the node: streams are pipes, descriptor 3 speaks to this init, the working directory is the root. */
  spawn(argv: readonly string[], stdio: 'pipe' | number = 'pipe'): ChildProcess {
    // A node without power runs nothing, also not for somebody who was connected to it.
    const [command = 'false', ...args] = this.#off ? [] : argv;
    const child = spawn(command, args, {
      cwd: this.root,
      detached: true,
      env: this.#environment(),
      stdio: stdio === 'pipe' ? ['pipe', 'pipe', 'pipe', 'pipe'] : ['ignore', stdio, stdio, 'pipe'],
    });
    const pid = child.pid;
    if (pid !== undefined) this.#sessions.set(pid, startOf(pid) ?? '');
    child.on('error', () => undefined);
    // Writing to a process that has ended is its end, not a fault.
    child.stdin?.on('error', () => undefined);
    const socket = child.stdio[3] as Duplex | null | undefined;
    if (socket) new InitServer(socket, this).serve();
    return child;
  }

  /** Kill every process of the node at once, forget timers, delete `run`. The node is off afterwards. */
  async powerCut(): Promise<void> {
    this.#bootId = '';
    this.#off = true;
    this.#timers.clear();
    for (const unit of this.#units.values()) unit.forget();
    this.#units.clear();
    await killNode(this.root, this.#sessions);
    this.#sessions.clear();
    await rm(join(this.root, 'run'), { recursive: true, force: true, maxRetries: 5 });
  }

  /** An orderly shutdown: units are stopped, stop hooks run; then everything that is left is killed. */
  async shutdown(): Promise<void> {
    this.#stopping = true;
    this.#timers.clear();
    const transient = [...this.#units.values()].filter((unit) => unit.transient);
    for (const unit of transient) await unit.stop();
    for (const unit of this.#units.values()) await unit.stop();
    await this.powerCut();
  }

  /** Is an orderly shutdown under way? */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** The state of every unit that was ever started. */
  units(): Record<string, UnitState> {
    return Object.fromEntries([...this.#units].map(([name, unit]) => [name, unit.state()]));
  }

  /** Timers that are armed, by unit name. */
  timers(): string[] {
    return this.#timers.names();
  }

  /** The unit of a name; made when it is not known yet. */
  unit(name: string): Unit {
    return this.#unit(name);
  }

  /** Start a transient unit with a stop hook, like `systemd-run`; false when one of that name runs. */
  async startTransient(name: string, capS: number, stopVerb: string, argv: readonly string[]): Promise<boolean> {
    const existing = this.#units.get(name);
    if (existing && existing.state().state !== 'inactive' && existing.state().state !== 'failed') return false;
    const [program = 'false'] = argv;
    const unit = this.#make(name, async () => ({
      exec: [...argv],
      restart: 'no',
      kill: 'group',
      stopPost: [program, ...stopVerb.split(' ')],
      runtimeMaxS: capS,
    }));
    unit.transient = true;
    await unit.start();
    return true;
  }

  /** Arm a timer, like `systemd-run --on-active`: replaces one of the same name. */
  armTimer(name: string, seconds: number, argv: readonly string[]): void {
    this.#timers.arm(name, seconds * 1000, () => {
      const child = this.spawn(argv);
      child.stdin?.end();
      child.stdout?.resume();
      child.stderr?.resume();
    });
  }

  /** Disarm a timer; what it has started already goes on. */
  disarmTimer(name: string): void {
    this.#timers.disarm(name);
  }

  /** Is this timer armed? */
  timerArmed(name: string): boolean {
    return this.#timers.names().includes(name);
  }

  /** Pids of this node's processes whose command name begins so. */
  processes(prefix: string): number[] {
    return processesNamed(this.root, prefix);
  }

  #unit(name: string): Unit {
    return this.#units.get(name) ?? this.#make(name, () => readUnit(this.root, name));
  }

  #make(name: string, definition: ConstructorParameters<typeof Unit>[0]['definition']): Unit {
    const unit = new Unit({
      name,
      root: this.root,
      definition,
      spawn: (argv, log) => this.spawn(argv, log),
      onState: (state) => this.#onEvent({ unit: name, state }),
    });
    this.#units.set(name, unit);
    return unit;
  }

  #environment(): Record<string, string> {
    const dirs = ['usr/local/sbin', 'usr/local/bin', 'usr/sbin', 'usr/bin', 'sbin', 'bin'];
    return {
      PATH: [...dirs.map((dir) => join(this.root, dir)), ...dirs.map((dir) => `/${dir}`)].join(':'),
      HOME: this.root,
    };
  }
}

/** Seconds on the machine's monotonic clock, the one that the kit reads. */
async function uptime(): Promise<number> {
  return Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
}
