/** The process's surroundings, passed in so that nothing below reaches for globals. */
export interface Io {
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
  stdin: NodeJS.ReadStream | NodeJS.ReadableStream;
  env: Readonly<Record<string, string | undefined>>;
  /** True when a person can be asked: standard input and standard error are terminals. */
  isTTY: boolean;
  /** True when standard output is a terminal (colour, redrawing). */
  stdoutIsTTY: boolean;
  /** True when standard error is a terminal (progress is drawn there). */
  stderrIsTTY: boolean;
  /** Width of the terminal in cells; 80 when there is none. */
  columns: number;
  cwd: string;
}

/** The real process as {@link Io}. */
export function processIo(): Io {
  const { stdout, stderr, stdin, env } = process;
  const forced = Number.parseInt(env['COLUMNS'] ?? '', 10);
  const told = stderr.isTTY ? stderr.columns : stdout.isTTY ? stdout.columns : undefined;
  // A serial console, and what `script` makes, have no size: they say 0.
  const seen = told !== undefined && told >= 20 ? told : undefined;
  const columns = Number.isInteger(forced) && forced >= 40 ? forced : (seen ?? 80);
  return {
    stdout,
    stderr,
    stdin,
    env,
    isTTY: Boolean(stdin.isTTY && stderr.isTTY),
    stdoutIsTTY: Boolean(stdout.isTTY),
    stderrIsTTY: Boolean(stderr.isTTY),
    columns,
    cwd: process.cwd(),
  };
}

/** Writes and waits until the text is handed over; a reader that went away (EPIPE) is not an error. */
export async function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  if (text === '') return;
  await new Promise<void>((resolve, reject) => {
    stream.write(text, (error) => {
      if (!error || (error as NodeJS.ErrnoException).code === 'EPIPE') resolve();
      else reject(error);
    });
  });
}
