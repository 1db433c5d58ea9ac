import { EdgectlError } from '../../errors/error.js';
import { run } from '../../process/run.js';

/** What a program on this host did. */
export interface HostResult {
  /** 128 when a signal or its deadline ended it. */
  status: number;
  stdout: string;
  stderr: string;
}

/** Limits and input of a host program. */
export interface HostCommandOptions {
  input?: string | Uint8Array;
  /** Milliseconds until it is ended; one minute when absent. */
  timeoutMs?: number;
  signal?: AbortSignal;
  cwd?: string;
}

/** Runs a program of this host and returns whatever came of it; only a missing program throws (`TOOL_MISSING`). */
export async function tryHost(argv: readonly string[], options: HostCommandOptions = {}): Promise<HostResult> {
  const [program = '', ...args] = argv;
  const result = await run([program, ...args], { ...options, timeoutMs: options.timeoutMs ?? 60_000 });
  return { status: result.status ?? 128, stdout: result.stdout, stderr: result.stderr };
}

/** Runs a program of this host that must succeed; its standard output. Throws `LAB_UNSUPPORTED` with the program's last words. */
export async function host(argv: readonly string[], options: HostCommandOptions = {}): Promise<string> {
  const result = await tryHost(argv, options);
  if (result.status === 0) return result.stdout;
  throw new EdgectlError('LAB_UNSUPPORTED', {
    message: `${argv.slice(0, 4).join(' ')} ended with ${result.status}: ${result.stderr.trim().split('\n').at(-1) ?? ''}`,
    data: { argv, status: result.status, stderr: result.stderr.slice(-2000) },
  });
}
