import { fail } from '../failure.js';
import { quoteArgv } from '../quote.js';
import type { ExecRequest, ExecResult, Target, TransportFailure } from '../types.js';
import type { Chain } from './chain.js';
import type { SshLog } from './classify.js';
import type { Master } from './master.js';
import type { SshProgram, Way } from './ssh-program.js';

/** How one command gets to its node. */
export interface ExecWay {
  program: SshProgram;
  target: Target;
  /** Arguments that log in. */
  login: readonly string[];
  way: Way | undefined;
  chain: Chain | undefined;
  /** The connection to use; without one a new connection is made for this command alone. */
  master: Master | undefined;
}

const defaultMaxOutput = 1024 * 1024;
/** What ssh itself ends with when it failed, and what a remote command may end with, too. */
const ambiguous = 255;

/** Run one command by an ssh process, within its deadline and output bound. Throws only what the stdin source throws. */
export async function execOver(over: ExecWay, request: ExecRequest): Promise<ExecResult> {
  const { program, target, master } = over;
  const { signal, stdin, timeoutMs } = request;
  if (signal?.aborted === true) return fail('cancelled', 'cancelled', false);
  const path = ['-o', `ControlPath=${master?.controlPath ?? 'none'}`, '-o', 'ControlMaster=no'];
  const args = [...over.login, ...path, target.host, '--', quoteArgv(request.argv)];
  const { result, log } = await program.ssh(args, {
    timeoutMs,
    agent: target.agent,
    maxOutput: request.maxOutput ?? defaultMaxOutput,
    ...(stdin === undefined ? {} : { input: stdin }),
    ...(signal === undefined ? {} : { signal }),
  });
  // ssh makes a connection of its own when the master is gone.
  if (master !== undefined && log.ownConnection) master.forget();
  const where = `${target.host} port ${target.port}`;
  const output = { stdout: result.stdoutBytes, stderr: result.stderrBytes, truncated: result.truncated };
  if (result.truncated) return { ok: true, status: null, ...output };
  if (result.cancelled) return fail('cancelled', 'cancelled while the command was running', log.sent);
  if (result.timedOut) {
    master?.end();
    return fail('command-timeout', `${where}: no result within ${timeoutMs / 1000} s`, log.sent);
  }
  if (log.status !== undefined) return { ok: true, status: log.status, ...output };
  if (result.status !== null && result.status !== ambiguous) return { ok: true, status: result.status, ...output };
  if (log.signalled) return { ok: true, status: null, ...output };
  if (!log.sent) return program.explain(target, log, result, over.way);
  if (log.masterEnded && master !== undefined && (await program.alive(master.controlPath)))
    return { ok: true, status: null, ...output };
  master?.forget();
  return await lost(over, log);
}

async function lost({ target, chain }: ExecWay, log: SshLog): Promise<TransportFailure> {
  const bastion = await chain?.lost();
  const message = `${target.host} port ${target.port}: the connection was lost while the command was running`;
  if (bastion === undefined) return fail('closed', message, log.sent);
  return fail('closed', `${message}: bastion ${bastion} is gone`, log.sent, { bastion });
}
