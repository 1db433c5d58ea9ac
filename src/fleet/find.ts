import { access } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../errors/error.js';

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** The error for a place without a fleet. */
export function noFleet(dir: string, orAbove = false): EdgectlError {
  return new EdgectlError('CONFIG_NOT_FOUND', {
    message: `There is no fleet.yaml in ${dir}${orAbove ? ' or above it' : ''}`,
    hint: 'edgectl init, or --fleet DIR',
  });
}

/** The nearest directory, from `start` upwards, that holds a fleet.yaml. Throws CONFIG_NOT_FOUND. */
export async function findFleet(start: string): Promise<string> {
  const from = path.resolve(start);
  for (let dir = from; ; dir = path.dirname(dir)) {
    if (await exists(path.join(dir, 'fleet.yaml'))) return dir;
    if (path.dirname(dir) === dir) throw noFleet(from, true);
  }
}
