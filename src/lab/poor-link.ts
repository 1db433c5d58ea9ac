import type { Socket } from 'node:net';
import { Duplex, Transform } from 'node:stream';

/** A link that is worse than loopback. */
export interface PoorLink {
  /** Milliseconds that a piece takes longer, each way. */
  delayMs: number;
  /** Each way. */
  bytesPerSecond: number;
}

/** Bytes that travel together: small, so that a slow link moves all the time instead of in leaps. */
const piece = 8 * 1024;

/** The socket as it is at the other end of a poor link. */
export function overPoorLink(socket: Socket, link: PoorLink): Socket {
  const [arriving, leaving] = [new Shaper(link), new Shaper(link)];
  const end = Duplex.from({ readable: socket.pipe(arriving), writable: leaving });
  leaving.pipe(socket);
  socket.once('close', () => end.destroy());
  end.once('close', () => socket.destroy());
  end.on('error', () => socket.destroy());
  // All that ssh2 asks of a socket besides being a stream.
  return Object.assign(end, { remoteAddress: socket.remoteAddress }) as unknown as Socket;
}

class Shaper extends Transform {
  constructor(private readonly link: PoorLink) {
    super({ highWaterMark: piece });
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: Error | null, data?: Buffer) => void,
  ): void {
    const { delayMs, bytesPerSecond } = this.link;
    setTimeout(() => done(null, chunk), delayMs + (chunk.length / bytesPerSecond) * 1000).unref();
  }
}
