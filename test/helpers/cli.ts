import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Config } from '@oclif/core';
import type { BaseCommand } from '../../src/cli/base.js';
import type { CliContext } from '../../src/cli/context.js';

/** The checkout. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a command line came to. */
export interface CliOutcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** How to run the built program. */
export interface CliOptions {
  cwd?: string;
  env?: Record<string, string | undefined>;
  input?: string;
  signal?: AbortSignal;
}

/** Runs the built program as a user would, without a terminal. Only PATH and HOME come from the test's own environment. */
export async function runCli(argv: readonly string[], options: CliOptions = {}): Promise<CliOutcome> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env };
  const child = spawn(process.execPath, [`${root}bin/run.js`, ...argv], {
    cwd: options.cwd ?? root,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const collect = (stream: NodeJS.ReadableStream): Promise<string> =>
    new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      stream.on('error', reject);
    });
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
  const [stdout, stderr, exitCode] = await Promise.all([collect(child.stdout), collect(child.stderr), ended]);
  return { exitCode, stdout, stderr };
}

/** A command class that can be made. */
export type CommandClass = (new (argv: string[], config: Config) => BaseCommand<never>) & { id: string };

/** Everything that a command run in this process was given, and what it left. */
export interface InProcess extends CliOutcome {
  signals: EventEmitter;
}

/** What an in-process run may replace. */
export interface InProcessOptions {
  env?: Record<string, string | undefined>;
  cwd?: string;
  isTTY?: boolean;
  input?: string;
  columns?: number;
  now?: number;
  /** Called when the command has begun; may emit signals. */
  began?: (signals: EventEmitter) => void;
}

/** Runs a command class in this process against streams, clock and signals of the test's own. */
export async function runInProcess(
  Command: CommandClass,
  argv: string[],
  options: InProcessOptions = {},
): Promise<InProcess> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const stdin = new PassThrough();
  stdin.end(options.input ?? '');
  const signals = new EventEmitter();
  let exitCode = 0;
  const context: CliContext = {
    io: {
      stdout,
      stderr,
      stdin,
      env: options.env ?? {},
      isTTY: options.isTTY ?? false,
      stdoutIsTTY: false,
      stderrIsTTY: false,
      columns: options.columns ?? 80,
      cwd: options.cwd ?? root,
    },
    clock: { now: () => options.now ?? 0 },
    signals,
    setExitCode: (code) => {
      exitCode = code;
    },
    giveUp: (code) => {
      exitCode = code;
    },
  };
  const command = new Command(argv, await Config.load({ root }));
  const done = command.runWith(context);
  options.began?.(signals);
  await done;
  return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? ''), signals };
}
