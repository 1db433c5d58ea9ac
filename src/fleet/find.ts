import { access } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../errors/error.js';

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** The nearest directory, from `start` upwards, that holds a fleet.yaml. Throws CONFIG_NOT_FOUND. */
export async function findFleet(start: string): Promise<string> {
  for (let dir = path.resolve(start); ; dir = path.dirname(dir)) {
    if (await exists(path.join(dir, 'fleet.yaml'))) return dir;
    if (path.dirname(dir) === dir) break;
  }
  throw new EdgectlError('CONFIG_NOT_FOUND', {
    message: `There is no fleet.yaml in ${path.resolve(start)} or above it`,
    hint: 'edgectl init, or --fleet DIR',
  });
}
