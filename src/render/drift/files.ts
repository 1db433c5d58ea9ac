import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import type { ReportedDrift } from './reported.js';

const kinds = ['sarif', 'junit', 'html', 'csv'] as const;
type Kind = (typeof kinds)[number];

/** A report in a file that was asked for. */
export interface DriftFile {
  kind: Kind;
  file: string;
}

/** Reads the values of `--report`. Throws USAGE. */
export function driftFiles(values: readonly string[], cwd: string): DriftFile[] {
  return values.map((value) => {
    const at = value.indexOf('=');
    const kind = kinds.find((one) => one === value.slice(0, Math.max(0, at)));
    const file = value.slice(at + 1);
    if (kind !== undefined && file !== '') return { kind, file: resolve(cwd, file) };
    throw new EdgectlError('USAGE', {
      message: `--report cannot be ${JSON.stringify(value)}.`,
      hint: `use --report ${kinds.map((one) => `${one}=FILE`).join(', ')}`,
    });
  });
}

/** Writes the reports. Throws USAGE with the file that cannot be written. */
export async function writeDriftFiles(files: readonly DriftFile[], drift: ReportedDrift): Promise<void> {
  for (const { kind, file } of files) {
    const text = await render(kind, drift);
    const handle = await open(file, 'w').catch((error: unknown) => {
      throw new EdgectlError('USAGE', {
        message: `The report ${file} cannot be written: ${(error as Error).message}`,
        cause: error,
      });
    });
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
  }
}

async function render(kind: Kind, drift: ReportedDrift): Promise<string> {
  switch (kind) {
    case 'sarif':
      return (await import('./sarif.js')).sarifOf(drift);
    case 'junit':
      return (await import('./junit.js')).junitOfDrift(drift);
    case 'html':
      return (await import('./html.js')).htmlOfDrift(drift);
    case 'csv':
      return (await import('./csv.js')).csvOfDrift(drift);
  }
}
