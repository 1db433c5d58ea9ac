import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';

/** A program whose standard input and output are used as a wire. */
export interface Pipe {
  /** Ends when the program does; an error of the program's start is an error of it. */
  stream: Duplex;
  /** Ends the program. Idempotent. */
  end(): void;
}

/** Start a program from its argv, without a shell. What it says on standard error is thrown away. */
export function openPipe(
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string | undefined>>,
): Pipe {
  const [program, ...args] = argv;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, ...env } });
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  // A program that is not there closes its pipes, too.
  child.on('error', (error) => stream.destroy(error));
  stream.on('error', () => undefined);
  return {
    stream,
    end: () => {
      stream.destroy();
      if (child.exitCode === null && child.signalCode === null) child.kill();
    },
  };
}
