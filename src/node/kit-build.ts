import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Parts of the kit in the order in which they are put together; `init` stands for the init driver's part. */
export const kitParts = [
  '00-head',
  '05-entry',
  '10-json',
  '15-wire',
  '20-util',
  '22-facts',
  '23-observe',
  '24-observe-machine',
  '26-observe-software',
  '25-verify',
  '30-store',
  '35-driver',
  '40-lease',
  '45-stage',
  '50-generation',
  '55-journal',
  '57-state',
  '58-snapshot',
  '60-tx',
  '62-health',
  '65-settle',
  '70-recover',
  '75-remove',
  '76-tpm',
  '77-secrets',
  '78-kit',
  '80-verbs',
  'init',
  '99-main',
] as const;

/** What a kit is built for. */
export interface KitOptions {
  init: 'systemd' | 'sandbox';
  /** Keep failpoints and the switches of the crash tests; never for a real node. */
  lab: boolean;
  version: string;
  /** Seconds since the epoch: a node whose clock is before this does not believe its clock. */
  builtAt: number;
  /** Interpreter and its one optional argument; `/bin/sh` when absent. */
  shell?: string;
}

/** Reads one part of the kit by its file name, e.g. `20-util.sh`. */
export type PartReader = (name: string) => Promise<string>;

/** Reads parts from the package's own templates/node. */
export const readKitPart: PartReader = (name) =>
  readFile(fileURLToPath(new URL(`../../templates/node/${name}`, import.meta.url)), 'utf8');

/** Put the kit together: one POSIX sh file, installed as P/usr/local/sbin/edgectl-node. Throws on a malformed lab block. */
export async function buildKit(options: KitOptions, read: PartReader = readKitPart): Promise<string> {
  const parts = await Promise.all(kitParts.map((part) => read(partFile(part, options.init))));
  const text = parts.map((part) => (options.lab ? unmarkLab(part) : stripLab(part))).join('\n');
  return `#!${options.shell ?? '/bin/sh'}\n${text}`
    .replace('@VERSION@', options.version)
    .replace('@BUILT@', String(options.builtAt))
    .replace('@INIT@', options.init);
}

/** The file of a part. */
export function partFile(part: string, init: KitOptions['init']): string {
  return part === 'init' ? `init-${init}.sh` : `${part}.sh`;
}

/** Take out blocks between `#@lab` and `#@end`, and single lines that end with `#@lab`. */
export function stripLab(text: string): string {
  const kept: string[] = [];
  let inside = false;
  for (const line of text.split('\n')) {
    const mark = line.trim();
    if (mark === '#@lab') {
      if (inside) throw new Error('#@lab inside of #@lab');
      inside = true;
    } else if (mark === '#@end') {
      if (!inside) throw new Error('#@end without #@lab');
      inside = false;
    } else if (!inside && !line.endsWith('#@lab')) kept.push(line);
  }
  if (inside) throw new Error('#@lab without #@end');
  return kept.join('\n');
}

function unmarkLab(text: string): string {
  stripLab(text);
  return text
    .split('\n')
    .filter((line) => !['#@lab', '#@end'].includes(line.trim()))
    .map((line) => line.replace(/\s*#@lab$/, ''))
    .join('\n');
}
