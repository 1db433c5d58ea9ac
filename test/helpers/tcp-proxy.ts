import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy on loopback that records what each side sent. */
export interface TcpProxy {
  port: number;
  /** Connections accepted so far. */
  connections: number;
  /** Bytes that clients sent, in order. */
  fromClient(): Buffer;
  fromServer(): Buffer;
  /** Stop carrying bytes without closing: the network has gone away. */
  freeze(): void;
  close(): Promise<void>;
}

/** Start a recording proxy in front of a loopback port. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const client: Buffer[] = [];
  const serverBytes: Buffer[] = [];
  const sockets = new Set<Socket>();
  const proxy = { connections: 0 };
  const server = createServer((down) => {
    proxy.connections += 1;
    const up = connect(targetPort, '127.0.0.1');
    for (const socket of [down, up]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    down.on('data', (chunk: Buffer) => client.push(chunk));
    up.on('data', (chunk: Buffer) => serverBytes.push(chunk));
    down.pipe(up);
    up.pipe(down);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return proxy.connections;
    },
    fromClient: () => Buffer.concat(client),
    fromServer: () => Buffer.concat(serverBytes),
    freeze: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The plain-text SSH packets (RFC 4253, 6) at the start of what one side sent: message numbers after its version line. */
export function plainMessages(bytes: Buffer): number[] {
  const end = bytes.indexOf('\n');
  const messages: number[] = [];
  let at = end + 1;
  while (end >= 0 && at + 6 <= bytes.length) {
    const length = bytes.readUInt32BE(at);
    messages.push(bytes[at + 5] ?? -1);
    at += 4 + length;
  }
  return messages;
}
