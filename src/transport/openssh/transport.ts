import { setMaxListeners } from 'node:events';
import { fail } from '../failure.js';
import { Limiter } from '../limiter.js';
import type { SshTransport } from '../ssh/transport.js';
import { dialWire, type Wire } from '../ssh/wire.js';
import type { ConnectOptions, ConnectResult, Session, Target, TransportFailure } from '../types.js';
import { Chain } from './chain.js';
import { execOver } from './exec.js';
import { Master } from './master.js';
import { asArguments, loginOptions } from './options.js';
import { wireThrough } from './wire.js';
import { SshProgram, type OpensshOptions, type Way } from './ssh-program.js';

/** A transport over the ssh program: certificates, hardware keys, GSSAPI and whatever the operator's ssh_config can do. One master a node. */
export function createOpensshTransport(options: OpensshOptions): SshTransport {
  return new OpensshTransport(options);
}

class OpensshTransport implements SshTransport {
  readonly #program: SshProgram;
  readonly #processes: Limiter;
  readonly #chains = new Map<string, Chain>();
  readonly #masters = new Map<string, Promise<Master | TransportFailure>>();
  readonly #live = new Set<Master>();
  #closed = false;

  constructor(options: OpensshOptions) {
    this.#program = new SshProgram(options);
    const { min } = this.#program.limits.handshakes;
    this.#processes = new Limiter({ min, max: min });
  }

  async connect(target: Target, options: ConnectOptions = {}): Promise<ConnectResult> {
    const { signal } = options;
    if (signal !== undefined) setMaxListeners(0, signal);
    if (signal?.aborted === true) return fail('cancelled', 'cancelled', false);
    if (this.#closed) return fail('cancelled', 'the transport is closed', false);
    if (target.socketPath !== undefined)
      return fail('no-route', `${target.nodeId} calls home: that needs transport: ssh`, false);
    const chain = this.#chain(target.via);
    const down = await chain?.up(signal);
    if (down !== undefined) return down;
    if (options.fresh === true) return { ok: true, session: this.#session(target, chain, undefined) };
    const master = await this.#master(target, chain, signal);
    return 'ok' in master ? master : { ok: true, session: this.#session(target, chain, master) };
  }

  async reach(
    { host, port, via, socketPath }: Pick<Target, 'host' | 'port' | 'via' | 'socketPath'>,
    signal?: AbortSignal,
  ): Promise<Wire | TransportFailure> {
    const chain = this.#chain(via);
    if (chain === undefined) return dialWire(host, port, this.#program.limits.connectMs, signal);
    if (socketPath !== undefined) return fail('no-route', 'a node that calls home needs transport: ssh', false);
    const down = await chain.up(signal);
    if (down !== undefined) return down;
    const slot = await this.#slots(chain, signal);
    if (slot === undefined) return fail('cancelled', 'cancelled', false);
    return await wireThrough(this.#program, await chain.way(), { host, port, slot });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#masters.values());
    const masters = [...this.#live];
    for (const master of masters) master.forget();
    await this.#program.end(masters.map(({ controlPath }) => controlPath));
    for (const chain of this.#chains.values()) await this.#program.end(chain.controlPaths);
    await this.#program.remove();
  }

  #chain(via: Target['via']): Chain | undefined {
    const [first, ...rest] = via ?? [];
    if (first === undefined) return undefined;
    const hops = [first, ...rest] as const;
    const key = JSON.stringify(
      hops.map(({ nodeId, user, host, port, identityFiles }) => [nodeId, user, host, port, identityFiles]),
    );
    let chain = this.#chains.get(key);
    if (chain === undefined) this.#chains.set(key, (chain = new Chain(this.#program, hops)));
    return chain;
  }

  async #master(
    target: Target,
    chain: Chain | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Master | TransportFailure> {
    const key = JSON.stringify([target.nodeId, target.user, target.host, target.port, target.via ?? []]);
    const known = await this.#masters.get(key);
    // Another one's failure, or its cancelled signal, is not ours.
    if (known instanceof Master && known.usable) return known;
    const opening = this.#openMaster(target, chain, signal, () => this.#masters.delete(key));
    this.#masters.set(key, opening);
    const opened = await opening;
    if ('ok' in opened && this.#masters.get(key) === opening) this.#masters.delete(key);
    return opened;
  }

  async #openMaster(
    target: Target,
    chain: Chain | undefined,
    signal: AbortSignal | undefined,
    onGone: () => void,
  ): Promise<Master | TransportFailure> {
    if (chain !== undefined && chain.channels.used >= chain.channels.limit) this.#endIdle(chain);
    const channel = await chain?.channels.acquire(signal);
    const slots = await this.#slots(chain, signal);
    if (slots === undefined) {
      channel?.();
      return fail('cancelled', 'cancelled', false);
    }
    const way = await chain?.way();
    const controlPath = (await this.#program.dir()).file('s');
    const args = [...this.#login(target, way), '-S', controlPath, target.host];
    const failure = await this.#program.startMaster(target, args, way, signal).finally(slots);
    if (failure !== undefined) {
      channel?.();
      return failure;
    }
    const master = new Master(controlPath, chain, this.#program, () => {
      this.#live.delete(master);
      channel?.();
      onGone();
    });
    this.#live.add(master);
    return master;
  }

  #session(target: Target, chain: Chain | undefined, master: Master | undefined): Session {
    master?.enter();
    let open = true;
    return {
      nodeId: target.nodeId,
      exec: async (request) => {
        if (!open) return fail('closed', 'the session is closed', false);
        // A new connection for this one command takes part in the limits; a master has done so already.
        const slots = master === undefined ? await this.#slots(chain, request.signal) : () => undefined;
        if (slots === undefined) return fail('cancelled', 'cancelled', false);
        const way = await chain?.way();
        const login = this.#login(target, way);
        return execOver({ program: this.#program, target, login, way, chain, master }, request).finally(slots);
      },
      close: () => {
        if (open) master?.leave(this.#program.limits.idleMs);
        open = false;
        return Promise.resolve();
      },
    };
  }

  #login(target: Target, way: (Way & { proxy: string }) | undefined): string[] {
    const { configArguments, common } = this.#program;
    const proxy: [string, string][] = way === undefined ? [] : [['ProxyCommand', way.proxy]];
    return [...configArguments, ...asArguments([...proxy, ...loginOptions(target, common)])];
  }

  async #slots(chain: Chain | undefined, signal: AbortSignal | undefined): Promise<(() => void) | undefined> {
    const bastion = chain === undefined ? () => undefined : await chain.handshakes.acquire(signal);
    if (bastion === undefined) return undefined;
    const process = await this.#processes.acquire(signal);
    if (process === undefined) bastion();
    return process === undefined ? undefined : () => (process(), bastion());
  }

  #endIdle(chain: Chain): void {
    for (const master of this.#live) {
      if (master.chain !== chain || master.users > 0) continue;
      master.end();
      return;
    }
  }
}
