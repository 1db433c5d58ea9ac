import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A line on loopback in front of a port: it counts, throttles, and can be cut. */
export interface Link {
  /** `127.0.0.1:PORT`. */
  host: string;
  /** Bytes that went from the server to clients. */
  carried(): number;
  /** Resets what is open and refuses what comes. */
  cut(): void;
  mend(): void;
  /** Bytes per second of each connection; none when undefined. */
  throttle(bytesPerSecond: number | undefined): void;
  close(): Promise<void>;
}

/** Makes a line to a loopback port. */
export async function startLink(targetPort: number): Promise<Link> {
  const sockets = new Set<Socket>();
  let carried = 0;
  let whole = true;
  let rate: number | undefined;
  const server = createServer((down) => {
    if (!whole) return void down.resetAndDestroy();
    const up = connect(targetPort, '127.0.0.1');
    for (const socket of [down, up]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        (socket === down ? up : down).destroy();
      });
    }
    down.pipe(up);
    up.on('data', (chunk: Buffer) => {
      carried += chunk.length;
      const full = !down.write(chunk);
      const waits = rate === undefined ? 0 : (chunk.length / rate) * 1000;
      if (waits === 0 && !full) return;
      up.pause();
      const go = (): void => void setTimeout(() => up.resume(), waits);
      if (full) down.once('drain', go);
      else go();
    });
    up.on('end', () => down.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    carried: () => carried,
    cut: () => {
      whole = false;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    mend: () => {
      whole = true;
    },
    throttle: (bytesPerSecond) => {
      rate = bytesPerSecond;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
