import { fail, ofBastion } from '../failure.js';
import { Limiter } from '../limiter.js';
import type { Hop, TransportFailure } from '../types.js';
import type { Connection } from './connection.js';
import { placeOf, type Destination } from './forward.js';
import { dialWire, type Wire } from './wire.js';

const defaults = { handshakes: 16, channels: 512 };

/** What bastions need of the transport that they serve. */
export interface BastionUse {
  connectMs: number;
  idleMs: number;
  /** Host key, key exchange and authentication over an open wire. */
  login: (
    endpoint: Hop,
    wire: Wire,
    signal: AbortSignal | undefined,
    onGone: () => void,
  ) => Promise<Connection | TransportFailure>;
  /** End one idle connection that goes through a bastion, to make room; false when there is none. */
  endIdle: (bastion: Bastion) => boolean;
}

/** Connections to bastions: one for each chain of them, shared by every node behind it. */
export class Bastions {
  readonly #known = new Map<string, Bastion>();

  constructor(private readonly use: BastionUse) {}

  /** A wire to a destination behind a chain of bastions (nearest first; not empty), or directly when there are none. */
  async wire(
    via: readonly Hop[],
    to: Destination,
    signal: AbortSignal | undefined,
  ): Promise<(Wire & { bastion?: Bastion }) | TransportFailure> {
    const hop = via.at(-1);
    if (hop !== undefined) return this.#bastion(via, hop).wire(to, signal);
    if ('host' in to) return dialWire(to.host, to.port, this.use.connectMs, signal);
    return fail('no-route', `${to.socketPath} is on no bastion`, false);
  }

  #bastion(via: readonly Hop[], hop: Hop): Bastion {
    const key = via.map(({ nodeId, user, host, port }) => `${nodeId}\n${user}@${host}\n${port}`).join('\n\n');
    let bastion = this.#known.get(key);
    if (bastion === undefined) {
      const reach = (signal: AbortSignal | undefined): Promise<Wire | TransportFailure> =>
        this.wire(via.slice(0, -1), hop, signal);
      bastion = new Bastion(hop, reach, this.use);
      this.#known.set(key, bastion);
    }
    return bastion;
  }
}

/** One bastion at the end of its chain, with the limits that its sshd can bear. */
export class Bastion {
  readonly #handshakes: Limiter;
  readonly #channels: Limiter;
  #connection: Connection | undefined;
  #opening: Promise<Connection | TransportFailure> | undefined;

  constructor(
    private readonly hop: Hop,
    private readonly reach: (signal: AbortSignal | undefined) => Promise<Wire | TransportFailure>,
    private readonly use: BastionUse,
  ) {
    const fixed = (size: number): Limiter => new Limiter({ min: size, max: size });
    this.#handshakes = fixed(hop.handshakes ?? defaults.handshakes);
    this.#channels = fixed(hop.channels ?? defaults.channels);
  }

  /** A new channel to a destination. Waiting for a free one is bounded by the signal only, like waiting for a handshake. */
  async wire(
    to: Destination,
    signal: AbortSignal | undefined,
  ): Promise<(Wire & { bastion: Bastion }) | TransportFailure> {
    if (this.#channels.used >= this.#channels.limit) this.use.endIdle(this);
    const channel = await this.#channels.acquire(signal);
    if (channel === undefined) return fail('cancelled', 'cancelled', false);
    const handshake = await this.#handshakes.acquire(signal);
    if (handshake === undefined) {
      channel();
      return fail('cancelled', 'cancelled', false);
    }
    const wire = await this.#forward(to, signal, { channel, handshake });
    if ('ok' in wire) {
      handshake();
      channel();
    }
    return wire;
  }

  async #forward(
    to: Destination,
    signal: AbortSignal | undefined,
    held: { channel: () => void; handshake: () => void },
  ): Promise<(Wire & { bastion: Bastion }) | TransportFailure> {
    const connection = await this.#open(signal);
    if ('ok' in connection) return connection;
    const { nodeId: name } = this.hop;
    connection.enter();
    const stream = await connection.forward(name, to, { timeoutMs: this.use.connectMs, signal });
    if ('ok' in stream) {
      connection.leave(this.use.idleMs);
      return stream;
    }
    let gone = false;
    const end = (): void => {
      if (gone) return;
      gone = true;
      held.handshake();
      held.channel();
      connection.leave(this.use.idleMs);
    };
    stream.on('error', () => undefined);
    stream.once('close', end);
    return {
      bastion: this,
      stream,
      where: `${placeOf(to)} through ${name}`,
      lostBastion: () => (connection.usable ? undefined : name),
      crowded: () => this.#channels.waiting > 0,
      gone: () => gone,
      settled: held.handshake,
      drop: () => {
        stream.destroy();
        end();
      },
    };
  }

  /** Its connection. Two callers at once share one handshake; each waits only as long as its own signal allows. */
  async #open(signal: AbortSignal | undefined): Promise<Connection | TransportFailure> {
    if (this.#connection?.usable === true) return this.#connection;
    // Not the first caller's signal: it must not take the connection away from the others.
    this.#opening ??= this.#login().finally(() => {
      this.#opening = undefined;
    });
    const opened = await Promise.race([this.#opening, aborted(signal)]);
    return opened ?? fail('cancelled', 'cancelled', false);
  }

  async #login(): Promise<Connection | TransportFailure> {
    const wire = await this.reach(undefined);
    if ('ok' in wire) return ofBastion(wire, this.hop.nodeId);
    const connection = await this.use.login(this.hop, wire, undefined, () => {
      this.#connection = undefined;
    });
    wire.settled();
    if ('ok' in connection) return ofBastion(connection, this.hop.nodeId);
    this.#connection = connection;
    // Held by nobody yet; the caller enters next, in the same turn.
    return connection;
  }
}

function aborted(signal: AbortSignal | undefined): Promise<undefined> {
  if (signal === undefined) return new Promise(() => undefined);
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
