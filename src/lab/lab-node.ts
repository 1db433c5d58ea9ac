import type { ChildProcess } from 'node:child_process';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kitPath } from '../node/command.js';
import { decideExec } from './command-policy.js';
import type { BreakMode, LabNodeStatus } from './control-protocol.js';
import { makeKeyPair } from './key-pair.js';
import { diskDamages } from './node-damage.js';
import type { NodeInit } from './node-init.js';
import { ExecRefused, SshListener } from './ssh-listener.js';

/** How one lab node is made. */
export interface LabNodeOptions {
  id: string;
  root: string;
  port: number;
  hostKey: string;
  user: string;
  clientKey: string;
  init: NodeInit;
  /** Is this host key (`ssh-ed25519 AAAA…`) in the fleet's known_hosts? */
  isPinned: (publicKey: string) => Promise<boolean>;
}

/** Seconds that a runtime lives on a node that was broken by `bad-runtime`: well inside the rehearsal's health window. */
export const badRuntimeSeconds = 4;

/** What `slow` makes of the link. */
const poorLink = { delayMs: 500, bytesPerSecond: 64 * 1024 };
/** `flaky` loses one answer of so many: the next two get through, so that whoever asks again gets on. */
const lostAnswers = 3;
/** What a node prints for ever under `flood`: escape sequences too, which must not reach a terminal. */
const floodLine = `${'\u001B[31m'}flood`.repeat(20);

/** Five seconds, 50 ms each. */
const serviceWaitPolls = 100;

/** One node of the embedded lab: a directory as its root, an init, and an sshd; it boots at the first thing that needs it. */
export class LabNode {
  readonly id: string;
  readonly #options: LabNodeOptions;
  readonly #listener: SshListener;
  readonly #broken = new Set<Exclude<BreakMode, 'power-cut'>>();
  #boot: Promise<void> | undefined;
  #powerCuts = 0;
  #newHostKey: string | undefined;

  constructor(options: LabNodeOptions) {
    this.id = options.id;
    this.#options = options;
    this.#listener = new SshListener({
      port: options.port,
      hostKey: options.hostKey,
      user: options.user,
      clientKey: options.clientKey,
      run: (command) => this.#run(command),
    });
  }

  /** Accept SSH connections. */
  async open(): Promise<void> {
    await this.#listener.open();
  }

  /** Boot unless it runs already. */
  boot(): Promise<void> {
    this.#boot ??= this.#bootNow().catch((error: unknown) => {
      this.#boot = undefined;
      throw error;
    });
    return this.#boot;
  }

  async #bootNow(): Promise<void> {
    await this.#options.init.boot();
    // A machine is up when its services are; without this, `lab up` would end before there are workloads to look after.
    for (let i = 0; i < serviceWaitPolls && (await this.#runtimeVersion()) === undefined; i++) await sleep(50);
  }

  /** Do to the node what `edgectl lab break` names. */
  async break(how: BreakMode): Promise<void> {
    if (how === 'offline') await this.#listener.close();
    else if (how === 'hang') this.#listener.hang();
    else if (how === 'slow') this.#listener.slow(poorLink);
    else if (how === 'flaky') this.#listener.lose(lostAnswers);
    else if (how === 'host-key-change') this.#changeHostKey(makeKeyPair());
    else if (how === 'bad-runtime') await this.#spoilRuntime();
    else if (how === 'power-cut') await this.#powerCut();
    else if (how !== 'flood') await diskDamages[how].do(this.#options.root);
    if (how !== 'power-cut') this.#broken.add(how);
  }

  /** Undo everything that {@link break} did. */
  async heal(): Promise<void> {
    this.#listener.unhang();
    this.#listener.lose(0);
    if (this.#broken.has('slow')) this.#listener.slow(undefined);
    // Who has pinned the new key meanwhile has mended it in the other way: the old one would be a new surprise.
    const changed = this.#newHostKey;
    if (changed !== undefined && !(await this.#options.isPinned(changed)))
      this.#listener.useHostKey(this.#options.hostKey);
    this.#newHostKey = undefined;
    for (const damage of Object.values(diskDamages)) await damage.undo(this.#options.root);
    await rm(this.#incompatibleFile, { force: true });
    await this.#listener.open();
    this.#broken.clear();
  }

  #changeHostKey(pair: { private: string; public: string }): void {
    this.#newHostKey = pair.public;
    this.#listener.useHostKey(pair.private);
  }

  /** Refuse connections from now on. */
  async close(): Promise<void> {
    await this.#listener.close();
  }

  /** End every process of the node. */
  async powerOff(): Promise<void> {
    if (!this.#boot) return;
    await this.#boot.catch(() => undefined);
    await this.#options.init.powerCut();
    this.#boot = undefined;
  }

  /** How the node is. */
  status(): LabNodeStatus {
    return {
      id: this.id,
      address: '127.0.0.1',
      port: this.#options.port,
      booted: this.#boot !== undefined,
      broken: [...this.#broken].sort(),
      powerCuts: this.#powerCuts,
      connections: this.#listener.connections,
    };
  }

  get #incompatibleFile(): string {
    return join(this.#options.root, 'etc', 'lab-runtime', 'incompatible');
  }

  /** The version that runs now goes on working here; any other crashes. */
  async #spoilRuntime(): Promise<void> {
    await this.boot();
    const works = await this.#runtimeVersion();
    await mkdir(join(this.#options.root, 'etc', 'lab-runtime'), { recursive: true });
    await writeFile(this.#incompatibleFile, `${badRuntimeSeconds} ${works ?? '-'}\n`);
  }

  async #runtimeVersion(): Promise<string | undefined> {
    const text = await readFile(join(this.#options.root, 'run', 'lab-runtime', 'version'), 'utf8').catch(() => '');
    return text.trim() || undefined;
  }

  async #powerCut(): Promise<void> {
    await this.boot();
    this.#listener.cut();
    this.#boot = undefined;
    this.#powerCuts++;
    await this.#options.init.powerCut();
    await this.boot();
  }

  async #run(command: string): Promise<ChildProcess> {
    const decision = decideExec(command);
    if (this.#broken.has('flood')) return this.#options.init.spawn(['yes', floodLine]);
    if (decision.kind === 'refuse') throw new ExecRefused(decision.status, decision.message);
    await this.boot();
    if (decision.kind === 'run') return this.#options.init.spawn(decision.argv);
    const kit = join(this.#options.root, kitPath);
    // The words of sudo, which the operator's side tells apart from a kit that failed.
    await access(kit).catch(() => {
      throw new ExecRefused(1, `sudo: ${kitPath}: command not found\n`);
    });
    return this.#options.init.spawn([kit, ...decision.args]);
  }
}
