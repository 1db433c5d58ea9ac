import { ulid } from 'ulid';
import { EdgectlError } from '../../errors/error.js';
import { findFleet } from '../find.js';
import { fleetNameFrom, initFleet } from '../init.js';

/** The fleet repository that was named, or that lies here or above; a new one is written where there is none. */
export async function ensureFleet(named: string | undefined, cwd: string, now: number): Promise<string> {
  const found = await findFleet(named ?? cwd).catch((error: unknown) => {
    if (error instanceof EdgectlError && error.code === 'CONFIG_NOT_FOUND') return undefined;
    throw error;
  });
  const dir = named ?? cwd;
  if (found !== undefined && (named === undefined || found === named)) return found;
  await initFleet({ dir, name: fleetNameFrom(dir), id: ulid(now) });
  return dir;
}
