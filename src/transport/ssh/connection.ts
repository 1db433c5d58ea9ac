import type { Socket } from 'node:net';
import type { Client } from 'ssh2';
import type { ExecRequest, ExecResult, Target } from '../types.js';
import { execOn } from './exec.js';

const lingerMs = 1000;

/** One authenticated connection; counts its users and knows when it is no longer fit for new ones. */
export class Connection {
  users = 0;
  #usable = true;
  #onIdle: ReturnType<typeof setTimeout> | undefined;
  readonly #where: string;

  constructor(
    private readonly client: Client,
    private readonly socket: Socket,
    target: Target,
    private readonly onGone: () => void,
  ) {
    this.#where = `${target.host} port ${target.port}`;
    client.on('error', () => this.retire());
    client.on('end', () => this.retire());
    client.on('close', () => this.retire());
  }

  get usable(): boolean {
    return this.#usable;
  }

  /** Run a command; a connection that let one time out is not given to anyone else. */
  async exec(request: ExecRequest): Promise<ExecResult> {
    const result = await execOn(this.client, this.#where, request);
    if (!result.ok && (result.kind === 'command-timeout' || result.kind === 'closed')) this.retire();
    return result;
  }

  /** Take it out of the pool; it ends when its last user has left. */
  retire(): void {
    if (this.#usable) {
      this.#usable = false;
      this.onGone();
    }
    if (this.users === 0) this.end();
  }

  /** One more user. */
  enter(): void {
    clearTimeout(this.#onIdle);
    this.users += 1;
  }

  /** One user less; an idle connection is ended after `idleMs`. */
  leave(idleMs: number): void {
    this.users -= 1;
    if (this.users > 0) return;
    if (!this.#usable || idleMs === 0) return this.end();
    this.#onIdle = setTimeout(() => this.retire(), idleMs);
  }

  /** End it now. */
  end(): void {
    clearTimeout(this.#onIdle);
    if (this.#usable) {
      this.#usable = false;
      this.onGone();
    }
    this.client.end();
    // `end` waits for the peer; a dead peer must not keep this process alive. (ssh2's destroy does nothing after end.)
    setTimeout(() => this.socket.destroy(), lingerMs).unref();
  }
}
