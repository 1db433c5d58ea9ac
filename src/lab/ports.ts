import { createServer } from 'node:net';

/** Below Linux's ephemeral range, so that no outgoing connection takes the port of a node that is switched off. */
const range = { from: 20_000, to: 32_000 };

/** Find TCP ports on 127.0.0.1 that nobody uses, in ascending order from a point that differs from process to process. */
export async function freePorts(count: number, start = range.from + ((process.pid * 37) % 10_000)): Promise<number[]> {
  const ports: number[] = [];
  const span = range.to - range.from;
  for (let i = 0; i < span && ports.length < count; i++) {
    const port = range.from + ((start - range.from + i) % span);
    if (await isFree(port)) ports.push(port);
  }
  if (ports.length < count) throw new RangeError(`only ${ports.length} of ${count} ports are free`);
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
