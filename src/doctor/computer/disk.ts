import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bundlesDir } from '../../bundle/places.js';
import { journalFile } from '../../journal/paths.js';
import { quoteArgv } from '../../transport/quote.js';
import type { FleetCheck } from './check.js';

const mib = 1024 * 1024;
/** Below it a run may not start: the journal keeps 16 MiB in reserve. */
const leastBytes = 64 * mib;
/** Below it a bundle may not fit. */
const littleBytes = 512 * mib;

/** Is there room for the journal and for bundles? */
export const diskCheck: FleetCheck = {
  id: 'disk',
  needsFleet: true,
  run: async ({ env, home }, fleet) => {
    const dirs = [dirname(journalFile(fleet.id, env, home)), bundlesDir(env, home)];
    const free = await Promise.all(dirs.map(async (dir) => freeBytes(dir)));
    const tightest = free.reduce((least, one) => (one.bytes < least.bytes ? one : least));
    const detail = `${Math.floor(tightest.bytes / mib)} MiB are free for ${tightest.dir}`;
    const hint = `free space: ${quoteArgv(['du', '-xh', '--max-depth=1', tightest.dir])}`;
    if (tightest.bytes < leastBytes) return { state: 'bad', detail: `only ${detail}`, hint };
    if (tightest.bytes < littleBytes) return { state: 'warn', detail: `only ${detail}`, hint };
    return { state: 'ok', detail };
  },
};

/** Of a directory, or of the nearest one above it that is there. */
async function freeBytes(dir: string): Promise<{ dir: string; bytes: number }> {
  for (let at = dir; ; at = dirname(at)) {
    const found = await statfs(at).catch(() => undefined);
    if (found !== undefined) return { dir: at, bytes: found.bavail * found.bsize };
    if (dirname(at) === at) return { dir: at, bytes: 0 };
  }
}
