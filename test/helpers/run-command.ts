import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Config, type Command } from '@oclif/core';
import type { BaseCommand } from '../../src/cli/base.js';
import type { CliContext } from '../../src/cli/context.js';

/** What a command wrote and how it ended. */
export interface CommandRun {
  stdout: string;
  stderr: string;
  exitCode: number | undefined;
}

type CommandClass = new (argv: string[], config: Config) => BaseCommand<typeof Command>;

/** Run one command class in this process, from the sources, without a terminal. Its output flows, so it may be large. */
export async function runCommand(
  command: CommandClass & { id?: string },
  id: string,
  argv: string[],
  options: { cwd: string; env?: Record<string, string | undefined> },
): Promise<CommandRun> {
  const run: CommandRun = { stdout: '', stderr: '', exitCode: undefined };
  const stdout = new PassThrough().setEncoding('utf8').on('data', (text: string) => (run.stdout += text));
  const stderr = new PassThrough().setEncoding('utf8').on('data', (text: string) => (run.stderr += text));
  const context: CliContext = {
    io: {
      stdout,
      stderr,
      stdin: new PassThrough(),
      env: options.env ?? {},
      isTTY: false,
      stdoutIsTTY: false,
      stderrIsTTY: false,
      columns: 120,
      cwd: options.cwd,
    },
    clock: { now: () => Date.now() },
    signals: new EventEmitter(),
    setExitCode: (code) => (run.exitCode = code),
    giveUp: () => undefined,
  };
  command.id = id;
  const config = await Config.load({ root: fileURLToPath(new URL('../../', import.meta.url)) });
  await new command(argv, config).runWith(context);
  return run;
}
