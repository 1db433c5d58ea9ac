import { access } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Options } from 'execa';
import { EdgectlError } from '../errors/error.js';
import { debianPackages } from './packages.js';

/** How to run a program. */
export interface RunOptions {
  /** Bytes, text or a stream for its standard input; otherwise it gets none. What a stream throws is thrown here, once the program has ended. */
  input?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Milliseconds until it is ended (SIGTERM, SIGKILL two seconds later). */
  timeoutMs?: number;
  cwd?: string;
  signal?: AbortSignal;
  /** Added to this process's environment; `undefined` removes a variable. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Give it the terminal for prompts (a FIDO touch, a passphrase): standard error and, without `input`, standard input are ours. */
  interactive?: boolean;
  /** Bytes kept of each stream; more ends the program. Default 64 MiB. */
  maxOutput?: number;
}

/** What a program did. A status other than zero is a value, not an error. */
export interface RunResult {
  /** Exit status; null when a signal, a timeout or a cancellation ended it. */
  status: number | null;
  stdout: string;
  stderr: string;
  /** Standard output as bytes. */
  stdoutBytes: Buffer;
  stderrBytes: Buffer;
  timedOut: boolean;
  cancelled: boolean;
  /** More than `maxOutput` was written. */
  truncated: boolean;
}

/** Run a local program from its argv, without a shell. Throws TOOL_MISSING when the program is not installed. */
export async function run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...args] = argv;
  const { execa } = await import('execa');
  const broken: { source?: { error: unknown } } = {};
  const settings = {
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    maxBuffer: options.maxOutput ?? 64 * 1024 * 1024,
    forceKillAfterDelay: 2000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...standardInput(options, broken),
    ...(options.interactive === true ? { stderr: 'inherit' as const } : {}),
  } satisfies Options;
  const child = execa(program, args, settings);
  // What it started may hold its pipes for as long as it likes (a master of ssh does): once it was ended, nobody waits for them.
  child.once('exit', () => {
    if (!child.killed) return;
    child.stdout?.destroy();
    child.stderr?.destroy();
  });
  const result = await child;
  if (broken.source !== undefined) throw broken.source.error;
  if (result.failed && result.code === 'ENOENT') throw await missing(program, options.cwd);
  if (result.failed && result.exitCode === undefined && result.code === 'EACCES') {
    throw new EdgectlError('TOOL_MISSING', { message: `${program} is there but may not be executed.` });
  }
  const stdoutBytes = Buffer.from(result.stdout ?? new Uint8Array());
  const stderrBytes = Buffer.from(result.stderr ?? new Uint8Array());
  return {
    // What a program says of itself after its output was cut off (EPIPE) means nothing.
    status: result.isMaxBuffer ? null : (result.exitCode ?? null),
    stdout: stdoutBytes.toString('utf8'),
    stderr: stderrBytes.toString('utf8'),
    stdoutBytes,
    stderrBytes,
    timedOut: result.timedOut,
    cancelled: result.isCanceled,
    truncated: result.isMaxBuffer,
  };
}

function standardInput(options: RunOptions, broken: { source?: { error: unknown } }): Pick<Options, 'input' | 'stdin'> {
  const { input } = options;
  if (typeof input === 'string' || input instanceof Uint8Array) return { input };
  if (input !== undefined) return { input: Readable.from(noting(input, broken), { objectMode: false }) };
  return { stdin: options.interactive === true ? 'inherit' : 'ignore' };
}

async function* noting(
  source: AsyncIterable<Uint8Array>,
  broken: { source?: { error: unknown } },
): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    broken.source = { error };
    throw error;
  }
}

async function missing(program: string, cwd: string | undefined): Promise<EdgectlError> {
  if (cwd !== undefined) {
    const there = await access(cwd).then(
      () => true,
      () => false,
    );
    if (!there) return new EdgectlError('INTERNAL', { message: `The directory ${cwd} is not there.` });
  }
  const name = program.split('/').at(-1) ?? program;
  const pkg = debianPackages[name];
  return new EdgectlError('TOOL_MISSING', {
    message: `${name} is not installed here.`,
    ...(pkg === undefined ? {} : { hint: `apt-get install ${pkg}` }),
    data: { program: name, ...(pkg === undefined ? {} : { package: pkg }) },
  });
}
