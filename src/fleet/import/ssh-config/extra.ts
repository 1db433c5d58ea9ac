import { readFile } from 'node:fs/promises';
import type { ImportedNode } from '../model.js';

/** What ssh_config has no option for; stands in a comment `# edgectl: {…}` under a Host line. */
export type Extra = Partial<
  Pick<ImportedNode, 'site' | 'region' | 'labels' | 'groups' | 'state' | 'wariness' | 'via' | 'transport'>
>;

/** Comments that `edgectl fleet export` wrote, by host. */
export async function readExtra(file: string): Promise<Map<string, Extra>> {
  const found = new Map<string, Extra>();
  let host: string | undefined;
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    host = /^\s*Host\s+(\S+)\s*$/i.exec(line)?.[1] ?? host;
    const written = /^\s*# edgectl: (\{.*\})$/.exec(line)?.[1];
    if (host === undefined || written === undefined) continue;
    try {
      found.set(host, JSON.parse(written) as Extra);
    } catch {
      // A comment that only looks like ours means nothing.
    }
  }
  return found;
}
