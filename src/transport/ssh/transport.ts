import { setMaxListeners } from 'node:events';
import { performance } from 'node:perf_hooks';
import { fail, ofBastion } from '../failure.js';
import type { PinSource } from '../known-hosts/file.js';
import { Limiter } from '../limiter.js';
import type {
  ConnectOptions,
  ConnectResult,
  Endpoint,
  Session,
  Target,
  Transport,
  TransportFailure,
} from '../types.js';
import { planAuth } from './auth.js';
import { Bastions, type Bastion } from './bastions.js';
import { Connection } from './connection.js';
import { handshake } from './handshake.js';
import { KeyStore } from './keys.js';
import { defaultSshLimits, type SshLimits } from './limits.js';
import { loadSsh2, type Ssh2 } from './load.js';
import type { Wire } from './wire.js';

/** What the SSH transport is made of. */
export interface SshTransportOptions {
  /** Pinned host keys, by node id. */
  knownHosts: PinSource;
  /** Key files for hosts that name none: absolute paths; those that are not there are passed over. */
  usualKeys?: readonly string[];
  limits?: Partial<SshLimits>;
  /** How busy this process is, 0..1, for the number of handshakes at once; measured when absent. */
  load?: () => number;
}

/** A transport that can also open the bytes of a connection without logging in, for reading host keys behind bastions. */
export interface SshTransport extends Transport {
  reach(
    target: Pick<Target, 'host' | 'port' | 'via' | 'socketPath' | 'transport'>,
    signal?: AbortSignal,
  ): Promise<Wire | TransportFailure>;
}

/** A transport over SSH (ssh2): pinned host keys, agent and key files, bastions, one pooled connection a node. */
export function createSshTransport(options: SshTransportOptions): SshTransport {
  return new PooledSsh(options);
}

class PooledSsh implements SshTransport {
  readonly #limits: SshLimits;
  readonly #handshakes: Limiter;
  readonly #pool = new Map<string, Connection>();
  readonly #pending = new Map<string, Promise<unknown>>();
  readonly #all = new Map<Connection, Bastion | undefined>();
  readonly #bastions: Bastions;
  #tools: Promise<{ ssh2: Ssh2; keys: KeyStore }> | undefined;
  #closed = false;

  constructor(private readonly options: SshTransportOptions) {
    this.#limits = { ...defaultSshLimits, ...options.limits };
    this.#handshakes = new Limiter(this.#limits.handshakes, options.load ?? measuredLoad());
    this.#bastions = new Bastions({
      connectMs: this.#limits.connectMs,
      idleMs: this.#limits.idleMs,
      login: (hop, wire, signal, onGone) => this.#login(hop, wire, undefined, signal, onGone),
      endIdle: (bastion) => this.#endIdle(bastion),
    });
  }

  async connect(target: Target, options: ConnectOptions = {}): Promise<ConnectResult> {
    // One signal stops a whole fleet, so that many listeners are not a leak.
    if (options.signal !== undefined) setMaxListeners(0, options.signal);
    if (options.fresh === true) {
      const fresh = await this.#open(target, options.signal);
      return fresh instanceof Connection ? { ok: true, session: this.#session(fresh, target, 0) } : fresh;
    }
    const key = poolKey(target);
    // Two callers at once share one handshake; when it fails for the first, the second tries for itself.
    const pending = this.#pending.get(key);
    if (pending !== undefined) await Promise.race([pending, aborted(options.signal)]);
    if (options.signal?.aborted === true) return fail('cancelled', 'cancelled', false);
    let connection = this.#pool.get(key);
    if (connection?.usable !== true) {
      const opening = this.#openPooled(key, target, options.signal);
      this.#pending.set(key, opening);
      const opened = await opening;
      if (!(opened instanceof Connection)) return opened;
      connection = opened;
    }
    return { ok: true, session: this.#session(connection, target, this.#limits.idleMs) };
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const connection of [...this.#all.keys()]) connection.end();
    this.#pool.clear();
    return Promise.resolve();
  }

  async #openPooled(
    key: string,
    target: Target,
    signal: AbortSignal | undefined,
  ): Promise<Connection | TransportFailure> {
    try {
      const opened = await this.#open(target, signal, () => {
        if (this.#pool.get(key)?.usable === false) this.#pool.delete(key);
      });
      if (opened instanceof Connection && opened.usable) this.#pool.set(key, opened);
      return opened;
    } finally {
      this.#pending.delete(key);
    }
  }

  #session(connection: Connection, target: Target, idleMs: number): Session {
    connection.enter();
    let open = true;
    return {
      nodeId: target.nodeId,
      exec: (request) => {
        if (!open) return Promise.resolve(fail('closed', 'the session is closed', false));
        return connection.exec(request);
      },
      close: () => {
        if (open) connection.leave(idleMs);
        open = false;
        return Promise.resolve();
      },
    };
  }

  async reach(
    target: Pick<Target, 'host' | 'port' | 'via' | 'socketPath'>,
    signal?: AbortSignal,
  ): Promise<(Wire & { bastion?: Bastion }) | TransportFailure> {
    const { host, port, socketPath } = target;
    return this.#bastions.wire(target.via ?? [], socketPath === undefined ? { host, port } : { socketPath }, signal);
  }

  async #open(
    target: Target,
    signal: AbortSignal | undefined,
    onGone: () => void = () => undefined,
  ): Promise<Connection | TransportFailure> {
    if (this.#closed) return fail('cancelled', 'the transport is closed', false);
    // Loaded while the network answers.
    const [wire] = await Promise.all([this.reach(target, signal), this.#load()]);
    if ('ok' in wire) return wire;
    const connection = await this.#login(target, wire, wire.bastion, signal, onGone);
    wire.settled();
    if (!('ok' in connection)) return connection;
    const lost = connection.kind === 'closed' ? wire.lostBastion() : undefined;
    return lost === undefined ? connection : ofBastion(connection, lost);
  }

  async #login(
    endpoint: Endpoint,
    wire: Wire,
    bastion: Bastion | undefined,
    signal: AbortSignal | undefined,
    onGone: () => void,
  ): Promise<Connection | TransportFailure> {
    const { ssh2, keys } = await this.#load();
    const [pins, auth] = await Promise.all([
      this.options.knownHosts.lookup(endpoint.nodeId),
      planAuth(ssh2, keys, endpoint, this.options.usualKeys),
    ]);
    const release = await this.#handshakes.acquire(signal);
    if (release === undefined) {
      wire.drop();
      return fail('cancelled', 'cancelled', false);
    }
    const client = await handshake({
      ssh2,
      wire,
      target: endpoint,
      pins,
      auth,
      limits: this.#limits,
      ...(signal === undefined ? {} : { signal }),
    }).finally(release);
    if ('ok' in client) return client;
    const connection = new Connection(client, wire, () => {
      this.#all.delete(connection);
      onGone();
    });
    this.#all.set(connection, bastion);
    if (this.#closed) connection.end();
    return connection;
  }

  #load(): Promise<{ ssh2: Ssh2; keys: KeyStore }> {
    return (this.#tools ??= loadSsh2().then((ssh2) => ({ ssh2, keys: new KeyStore(ssh2) })));
  }

  #endIdle(bastion: Bastion): boolean {
    for (const [connection, through] of this.#all) {
      if (through !== bastion || connection.users > 0) continue;
      connection.retire();
      return true;
    }
    return false;
  }
}

function poolKey(target: Target): string {
  const way = (target.via ?? []).map((hop) => `${hop.user}@${hop.host}\n${hop.port}`);
  return [target.nodeId, `${target.user}@${target.host}`, target.port, target.socketPath ?? '', ...way].join('\n');
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
}

function measuredLoad(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
