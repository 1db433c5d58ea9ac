import type { Client, ClientChannel } from 'ssh2';
import type { ExecRequest, ExecResult, TransportFailure } from '../types.js';
import { execOn } from './exec.js';
import { forwardOn, type Destination } from './forward.js';
import type { Wire } from './wire.js';

const lingerMs = 1000;

/** One authenticated connection; counts its users and knows when it is no longer fit for new ones. */
export class Connection {
  users = 0;
  #usable = true;
  #onIdle: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: Client,
    readonly wire: Wire,
    private readonly onGone: () => void,
  ) {
    client.on('error', () => this.retire());
    client.on('end', () => this.retire());
    client.on('close', () => this.retire());
  }

  get usable(): boolean {
    return this.#usable;
  }

  /** Run a command; a connection that let one time out is not given to anyone else. */
  async exec(request: ExecRequest): Promise<ExecResult> {
    const result = await execOn(this.client, this.wire.where, request);
    if (result.ok || (result.kind !== 'command-timeout' && result.kind !== 'closed')) return result;
    this.retire();
    const bastion = result.kind === 'closed' ? this.wire.lostBastion() : undefined;
    return bastion === undefined
      ? result
      : { ...result, message: `${result.message}: bastion ${bastion} is gone`, bastion };
  }

  /** Open a channel through it, when it is a bastion's. */
  forward(
    bastion: string,
    to: Destination,
    how: { timeoutMs: number; signal: AbortSignal | undefined },
  ): Promise<ClientChannel | TransportFailure> {
    return forwardOn(this.client, bastion, to, how);
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

  /** One user less; an idle connection is ended after `idleMs`, or at once when others wait for its place on a bastion. */
  leave(idleMs: number): void {
    this.users -= 1;
    if (this.users > 0) return;
    if (!this.#usable || idleMs === 0 || this.wire.crowded()) return this.end();
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
    setTimeout(() => this.wire.drop(), lingerMs).unref();
  }
}
