import type { ExecResult, ExecSuccess } from '../transport/types.js';

/** The check of a password: costs one attempt when it is wrong, and feeds sudo nothing that it could take for a second one. */
export const sudoCheckArgv: readonly string[] = ['env', 'LC_ALL=C', 'sudo', '-S', '-k', '-v', '-p', ''];

// Where sudo does not ask after all, the password must not become a line of the script: everything before the mark is dropped.
const afterMark = 'while IFS= read -r l; do if [ "$l" = "$0" ]; then exec sh -s; fi; done; exit 97';

/** The argv that runs a script on standard input as root: the password stands before it, then the mark. */
export function sudoScriptArgv(mark: string): readonly string[] {
  return [...asking, 'sh', '-c', afterMark, mark];
}

/** The argv that runs one program as root; the password is the first line of standard input. */
export function sudoProgramArgv(argv: readonly string[]): readonly string[] {
  return [...asking, ...argv];
}

// `-k` with a command: cached credentials neither count nor change, so the password is always read.
const asking = ['env', 'LC_ALL=C', 'sudo', '-S', '-k', '-p', ''];

/** What became of a password on one node. `withheld`: it was wrong on `node`, and is offered nowhere else. */
export type SudoVerdict =
  { kind: 'right' } | { kind: 'wrong' } | { kind: 'withheld'; node: string } | { kind: 'other'; result: ExecResult };

/**
 * The operator's password for sudo, for the time of one command. It is tried on one node alone until it was right once, and nowhere any
 * more after it was wrong once: a fleet that shares accounts must not be locked by a typing error.
 */
export class SudoPassword {
  readonly #right = new Set<string>();
  /** Commands that sudo is known to ask for, by node, login and command. */
  readonly #asks = new Set<string>();
  #wrong: { login: string; node: string } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** `mark` makes a line that no password can be, for each script. */
  constructor(
    private readonly secret: { reveal(): Buffer },
    readonly mark: () => string,
  ) {}

  /** The line that sudo reads. */
  line(): Buffer {
    return Buffer.concat([this.secret.reveal(), Buffer.from('\n')]);
  }

  /** Is it known that sudo asks for this? */
  asksFor(what: string): boolean {
    return this.#asks.has(what);
  }

  /** Remembers that sudo asked; or that it seems to ask no longer. */
  remember(what: string, asks: boolean): void {
    if (asks) this.#asks.add(what);
    else this.#asks.delete(what);
  }

  /** Whether the password is right for a login of a node: asks the node at most once, and only while that can lock nobody out. */
  async verdict(node: string, login: string, check: () => Promise<ExecResult>): Promise<SudoVerdict> {
    if (this.#right.has(login)) return { kind: 'right' };
    if (this.#right.size > 0) return await this.#try(node, login, check);
    const turn = this.#turn.then(() => this.#try(node, login, check));
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }

  async #try(node: string, login: string, check: () => Promise<ExecResult>): Promise<SudoVerdict> {
    if (this.#right.has(login)) return { kind: 'right' };
    if (this.#wrong !== undefined)
      return this.#wrong.login === login ? { kind: 'wrong' } : { kind: 'withheld', node: this.#wrong.node };
    const result = await check();
    if (result.ok && result.status === 0) {
      this.#right.add(login);
      return { kind: 'right' };
    }
    if (!result.ok || !saysWrong(result)) return { kind: 'other', result };
    this.#wrong = { login, node };
    return { kind: 'wrong' };
  }
}

/** sudo's own words, in the C locale (plugins/sudoers/auth/sudo_auth.c; sudo-rs says "authentication"); a site may replace "Sorry, try again." only. */
function saysWrong(result: ExecSuccess): boolean {
  return /incorrect (password|authentication) attempt/u.test(result.stderr.toString('utf8'));
}
