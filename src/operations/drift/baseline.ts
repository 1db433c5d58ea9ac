import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { baselineOf } from '../../drift/baseline.js';
import { EdgectlError } from '../../errors/error.js';
import { parseSelector } from '../../fleet/selector.js';
import { momentary } from '../../fleet/explain-selector.js';
import { foldNames } from '../../plan/ranges.js';
import type { AssessSources } from './assess-fleet.js';

/**
 * Writes what was seen on nodes as desired state. Throws NODE_UNREACHABLE when nothing is known of any of them, USAGE when the
 * file exists or cannot be written.
 */
export async function writeBaseline(
  { on, nodes, out, cwd }: { on: string; nodes: readonly string[]; out: string | undefined; cwd: string },
  { source, now }: AssessSources,
): Promise<{ yaml: string; file?: string; unseen: string[] }> {
  const observations = await source.latest({ nodes });
  const known = new Set(observations.map(({ node }) => node));
  const unseen = nodes.filter((node) => !known.has(node));
  const seen = nodes.filter((node) => known.has(node));
  if (seen.length === 0) {
    const message = `Nothing is known of ${foldNames(nodes)}.`;
    throw new EdgectlError('NODE_UNREACHABLE', { message, hint: 'edgectl drift report --live says why' });
  }
  // Desired state cannot speak of the moment: such a selector becomes the nodes that it means now.
  const lasting = momentary(parseSelector(on)) === undefined ? on : foldNames(nodes);
  const yaml = baselineOf({ nodes: seen, observations, on: lasting, now: new Date(now).toISOString() });
  if (out === undefined) return { yaml, unseen };
  const file = resolve(cwd, out);
  const write = async (): Promise<void> => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, yaml, { flag: 'wx' });
  };
  await write().catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    const message = code === 'EEXIST' ? `${file} is there already.` : `${file} cannot be written: ${String(code)}.`;
    throw new EdgectlError('USAGE', { message, hint: 'name a new file', cause: error });
  });
  return { yaml, file, unseen };
}
