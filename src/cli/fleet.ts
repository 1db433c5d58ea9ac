import { resolve } from 'node:path';
import { EdgectlError } from '../errors/error.js';
import type { Fleet } from '../fleet/types.js';
import { upwards } from './config.js';

/** Loads the fleet repository that was named, or the nearest one upwards of the working directory. */
export async function findFleet(where: { dir: string | undefined; cwd: string }): Promise<Fleet> {
  const dir = where.dir === undefined ? upwards(where.cwd, 'fleet.yaml') : resolve(where.cwd, where.dir);
  if (dir === undefined) {
    throw new EdgectlError('CONFIG_NOT_FOUND', { message: `There is no fleet.yaml in ${where.cwd} or above it.` });
  }
  const { loadFleet } = await import('../fleet/load.js');
  return await loadFleet(dir);
}
