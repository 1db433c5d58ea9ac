import type { Chain } from './chain.js';
import type { SshProgram } from './ssh-program.js';

/** A master connection to one node; counts its users and ends when nobody has used it for a while. */
export class Master {
  users = 0;
  #usable = true;
  #onIdle: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly controlPath: string,
    readonly chain: Chain | undefined,
    private readonly program: SshProgram,
    private readonly onGone: () => void,
  ) {}

  get usable(): boolean {
    return this.#usable;
  }

  /** One more user. */
  enter(): void {
    clearTimeout(this.#onIdle);
    this.users += 1;
  }

  /** One user less; an idle one is ended after `idleMs`. */
  leave(idleMs: number): void {
    this.users -= 1;
    if (this.users > 0 || !this.#usable) return;
    if ((this.chain?.channels.waiting ?? 0) > 0) this.end();
    else this.#onIdle = setTimeout(() => this.end(), idleMs).unref();
  }

  /** Take it out of use. */
  forget(): void {
    clearTimeout(this.#onIdle);
    if (!this.#usable) return;
    this.#usable = false;
    this.onGone();
  }

  /** Take it out of use and tell ssh to end it; commands that run over it go on to their end or fail. */
  end(): void {
    this.forget();
    void this.program.end([this.controlPath]);
  }
}
