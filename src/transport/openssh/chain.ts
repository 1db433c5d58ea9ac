import { writeFile } from 'node:fs/promises';
import { fail, ofBastion } from '../failure.js';
import { Limiter } from '../limiter.js';
import type { Hop, TransportFailure } from '../types.js';
import { hopAlias, hopsConfig, proxyCommand } from './options.js';
import type { SshProgram, Way } from './ssh-program.js';

/** A chain of bastions with a master on each, nearest first. */
export class Chain {
  readonly handshakes: Limiter;
  readonly channels: Limiter;
  readonly #last: Hop;
  /** Masters that were started before. */
  readonly #begun = new Set<number>();
  #up: Promise<TransportFailure | undefined> | undefined;
  #config: { file: string; controlPaths: string[]; logs: string[] } | undefined;

  constructor(
    private readonly program: SshProgram,
    private readonly hops: readonly [Hop, ...Hop[]],
  ) {
    this.#last = hops.at(-1) ?? hops[0];
    const fixed = (size: number): Limiter => new Limiter({ min: size, max: size });
    this.handshakes = fixed(this.#last.handshakes ?? 16);
    this.channels = fixed(this.#last.channels ?? 512);
  }

  /** Bring the masters up, once for all who ask; a failure names its bastion. */
  async up(signal: AbortSignal | undefined): Promise<TransportFailure | undefined> {
    this.#up ??= this.#open().then((failure) => {
      if (failure !== undefined) this.#up = undefined;
      return failure;
    });
    const cancelled = new Promise<TransportFailure>((resolve) => {
      signal?.addEventListener('abort', () => resolve(fail('cancelled', 'cancelled', false)), { once: true });
    });
    return Promise.race([this.#up, cancelled]);
  }

  /** How ssh gets on from the last bastion, with a log of its own. */
  async way(): Promise<Way & { proxy: string }> {
    const config = await this.#configuration();
    const alias = hopAlias(this.hops.length - 1, this.#last);
    const log = (await this.program.dir()).file('l');
    const proxy = proxyCommand(config.file, alias, log, false);
    return { configFile: config.file, alias, bastion: this.#last.nodeId, log, proxy };
  }

  /** The first bastion whose master is gone; then the next who asks brings them up again. */
  async lost(): Promise<string | undefined> {
    for (const [index, path] of (this.#config?.controlPaths ?? []).entries()) {
      if (await this.program.alive(path)) continue;
      this.#up = undefined;
      return this.hops[index]?.nodeId;
    }
    return undefined;
  }

  /** Control sockets of its masters, far ones first: they go through the near ones. */
  get controlPaths(): string[] {
    return [...(this.#config?.controlPaths ?? [])].reverse();
  }

  async #configuration(): Promise<{ file: string; controlPaths: string[]; logs: string[] }> {
    if (this.#config !== undefined) return this.#config;
    const dir = await this.program.dir();
    const file = dir.file('c');
    const logs = this.hops.map(() => dir.file('l'));
    const controlPaths = this.hops.map(() => dir.file('s'));
    const blocks = this.hops.map((hop, index) => {
      const before = this.hops[index - 1];
      const log = logs[index] ?? '';
      const controlPath = controlPaths[index] ?? '';
      if (before === undefined) return { hop, controlPath };
      return { hop, controlPath, proxy: proxyCommand(file, hopAlias(index - 1, before), log, false) };
    });
    const { configFile } = this.program.options;
    const include = configFile === undefined ? ['~/.ssh/config', '/etc/ssh/ssh_config'] : [configFile];
    await writeFile(file, hopsConfig(blocks, this.program.common, include), { mode: 0o600 });
    return (this.#config ??= { file, controlPaths, logs });
  }

  async #open(): Promise<TransportFailure | undefined> {
    const config = await this.#configuration();
    for (const [index, hop] of this.hops.entries()) {
      const controlPath = config.controlPaths[index] ?? '';
      if (this.#begun.has(index) && (await this.program.alive(controlPath))) continue;
      this.#begun.add(index);
      const before = this.hops[index - 1];
      const way = before && {
        configFile: config.file,
        alias: hopAlias(index - 1, before),
        bastion: before.nodeId,
        log: config.logs[index] ?? '',
      };
      const args = ['-F', config.file, hopAlias(index, hop)];
      const failure = await this.program.startMaster(hop, args, way, undefined);
      if (failure !== undefined) return ofBastion(failure, hop.nodeId);
    }
    return undefined;
  }
}
