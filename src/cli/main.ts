import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Entry point of the program: runs one command line and says with which code the process should end. */
export async function main(argv: readonly string[], root: URL): Promise<number> {
  ignoreBrokenPipes();
  const only = argv.length === 1 ? argv[0] : undefined;
  if (only === '--version' || only === '-v') {
    await write(versionLine(root));
    return 0;
  }
  const { dispatch } = await import('./dispatch.js');
  await dispatch(argv, fileURLToPath(root));
  await flush();
  return Number(process.exitCode ?? 0);
}

/** A reader that goes away (`| head`) ends the writing, not the program: runs go on. */
function ignoreBrokenPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

function versionLine(root: URL): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
  return `edgectl/${version} ${process.platform}-${process.arch} node-${process.version}\n`;
}

async function write(text: string): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
}

async function flush(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
}
