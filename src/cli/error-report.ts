import { CLIError } from '@oclif/core/errors';
import type { ErrorCode } from '../errors/catalogue.js';
import { EdgectlError } from '../errors/error.js';
import { suggest } from '../fleet/suggest.js';

/** An error made ready to show: on a screen, or in the envelope. */
export interface ErrorReport {
  code: ErrorCode;
  message: string;
  hint: string | undefined;
  lines: readonly string[];
  exitCode: number;
  data: Record<string, unknown>;
  stack: string | undefined;
}

/** Classifies whatever was thrown; unknown things are bugs of edgectl (`INTERNAL`). `parsing`: the command line was being read. */
export function reportOf(
  thrown: unknown,
  context: { parsing: boolean; command: string; flags?: readonly string[] },
): ErrorReport {
  if (thrown instanceof EdgectlError) {
    const { code, message, hint, lines, exitCode, data } = thrown;
    return { code, message, hint, lines, exitCode, data, stack: stackOf(thrown) };
  }
  if (context.parsing || thrown instanceof CLIError) return usageReport(thrown, context.command, context.flags ?? []);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return {
    code: 'INTERNAL',
    message: message === '' ? 'an error without a message' : message,
    hint: 'run it again with --debug and report what it prints',
    lines: [],
    exitCode: 1,
    data: {},
    stack: stackOf(thrown),
  };
}

function usageReport(thrown: unknown, command: string, flags: readonly string[]): ErrorReport {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const lines = text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '' && !line.startsWith('See more help'));
  const typed = /^Nonexistent flag: --(?<flag>[\w-]+)/u.exec(lines[0] ?? '')?.groups?.['flag'];
  const near = typed === undefined ? undefined : suggest(typed, flags);
  const help = ['edgectl', ...command.split(':'), '--help'].filter((word) => word !== '').join(' ');
  const hint = near === undefined ? help : `did you mean --${near}?  ${help}`;
  return {
    code: 'USAGE',
    message: lines[0] ?? 'usage',
    hint,
    lines: lines.slice(1),
    exitCode: 64,
    data: {},
    stack: stackOf(thrown),
  };
}

/** The stack with its causes, for `--debug`. */
function stackOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const cause = thrown.cause === undefined ? undefined : (stackOf(thrown.cause) ?? String(thrown.cause));
  return cause === undefined ? thrown.stack : `${thrown.stack ?? ''}\ncaused by: ${cause}`;
}
