import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { chmod, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { ControlAnswer, ControlRequest } from './control-protocol.js';
import { controlRequest } from './control-protocol.js';

/** Answers requests on the lab's unix socket, which only its owner can open. */
export class ControlServer {
  readonly #handle: (request: ControlRequest) => Promise<ControlAnswer>;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(handle: (request: ControlRequest) => Promise<ControlAnswer>) {
    this.#handle = handle;
  }

  /** Listen on a path; a socket file that a killed daemon left is replaced. */
  async listen(path: string): Promise<void> {
    await rm(path, { force: true });
    const server = createServer((socket) => this.#serve(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    await chmod(path, 0o600);
    this.#server = server;
  }

  /** Stop listening and let go of every client. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.end();
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    createInterface({ input: socket }).on('line', (line) => {
      void this.#answer(line).then((answer) => {
        if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`);
      });
    });
  }

  async #answer(line: string): Promise<ControlAnswer> {
    let request: ControlRequest;
    try {
      request = controlRequest.parse(JSON.parse(line));
    } catch {
      return { ok: false, code: 'USAGE', message: 'not a request of the lab' };
    }
    try {
      return await this.#handle(request);
    } catch (error) {
      return { ok: false, code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
    }
  }
}
