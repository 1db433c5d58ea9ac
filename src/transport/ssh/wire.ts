import type { Duplex } from 'node:stream';
import { dial } from '../dial.js';
import type { TransportFailure } from '../types.js';

/** The bytes to and from one sshd: a socket, or a channel of a bastion's connection. */
export interface Wire {
  readonly stream: Duplex;
  /** The other end, for messages: `10.0.0.7 port 22 through hop-eu`. */
  readonly where: string;
  /** The bastion that carries it has failed. */
  readonly lostBastion: () => string | undefined;
  /** Others wait for a channel of the bastion: an idle one is to be given back. */
  crowded(): boolean;
  /** Has it ended? */
  gone(): boolean;
  /** The handshake over it is over: the next one may begin. */
  settled(): void;
  /** End it and give back what it held. Idempotent. */
  drop(): void;
}

/** Open a direct wire. */
export async function dialWire(
  host: string,
  port: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Wire | TransportFailure> {
  const socket = await dial(host, port, timeoutMs, signal);
  if ('ok' in socket) return socket;
  // While it waits for its turn nobody else listens, and an unheard error would end the process.
  socket.on('error', () => undefined);
  return {
    stream: socket,
    where: `${host} port ${port}`,
    lostBastion: () => undefined,
    crowded: () => false,
    gone: () => socket.destroyed,
    settled: () => undefined,
    drop: () => socket.destroy(),
  };
}
