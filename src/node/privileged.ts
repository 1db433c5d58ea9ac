import type { ExecRequest, ExecResult, Target } from '../transport/types.js';
import { notRun } from './command.js';
import { sudoCheckArgv, sudoProgramArgv, sudoScriptArgv, type SudoPassword } from './sudo.js';
import type { KitRefusal } from './types.js';

/** A command that needs root, with its standard input, made anew for each try. */
export interface RootRequest {
  argv: readonly string[];
  input: () => Uint8Array | AsyncIterable<Uint8Array>;
  /** Milliseconds. */
  timeoutMs: number;
}

/** Milliseconds for the check of a password: pam_unix alone waits two seconds after a wrong one. */
const checkMs = 60_000;

/** Runs commands as root through sudo: without a prompt where that is enough, else with the operator's password. */
export class Privileged {
  constructor(private readonly sudo: SudoPassword | undefined) {}

  /** What the command did, or why sudo does not let it run. */
  async run(
    target: Target,
    request: RootRequest,
    exec: (request: ExecRequest) => Promise<ExecResult>,
  ): Promise<ExecResult | KitRefusal> {
    const { sudo } = this;
    const { argv, input, timeoutMs } = request;
    if (sudo === undefined || !sudo.asksFor(keyOf(target, request))) {
      const result = await exec({ argv: ['sudo', '-n', ...argv], stdin: input(), timeoutMs });
      if (sudo === undefined || !result.ok || !mayAsk(result, target.user)) return result;
    }
    const check: ExecRequest = { argv: sudoCheckArgv, stdin: sudo.line(), timeoutMs: checkMs };
    const verdict = await sudo.verdict(target.nodeId, loginOf(target), () => exec(check));
    switch (verdict.kind) {
      case 'wrong':
        return refusal('SUDO_WRONG_PASSWORD', `sudo there says that the password of ${target.user} is wrong`);
      case 'withheld':
        return refusal('SUDO_PASSWORD', `the password was wrong on ${verdict.node}, so it was not offered here`);
      case 'other':
        // The command itself was not sent.
        return verdict.result.ok ? verdict.result : { ...verdict.result, sent: false };
      case 'right':
        sudo.remember(keyOf(target, request), true);
        return await exec({ ...withPassword(request, sudo), timeoutMs });
    }
  }

  /** The command did not get the input that it was sent: perhaps sudo asks no longer, and left the password to it. */
  doubt(target: Target, request: Pick<RootRequest, 'argv'>): void {
    this.sudo?.remember(keyOf(target, request), false);
  }
}

/** A translated sudo says in words that nobody here knows that it wants a password. */
function mayAsk(result: Extract<ExecResult, { ok: true }>, user: string): boolean {
  const code = notRun(result, user)?.code;
  return code === 'SUDO_PASSWORD' || (code === 'NO_SUDO' && result.status === 1);
}

function withPassword({ argv, input }: RootRequest, sudo: SudoPassword): Pick<ExecRequest, 'argv' | 'stdin'> {
  if (argv[0] !== 'sh') return { argv: sudoProgramArgv(argv), stdin: behind([sudo.line()], input()) };
  const mark = sudo.mark();
  return { argv: sudoScriptArgv(mark), stdin: behind([sudo.line(), Buffer.from(`${mark}\n`)], input()) };
}

async function* behind(
  head: readonly Buffer[],
  rest: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield Buffer.concat(head);
  if (rest instanceof Uint8Array) yield rest;
  else yield* rest;
}

function loginOf({ nodeId, user }: Target): string {
  return `${user}@${nodeId}`;
}

function keyOf(target: Target, { argv }: Pick<RootRequest, 'argv'>): string {
  return JSON.stringify([loginOf(target), ...argv]);
}

function refusal(code: string, reason: string): KitRefusal {
  return { kind: 'refused', code, reason, lines: [] };
}
