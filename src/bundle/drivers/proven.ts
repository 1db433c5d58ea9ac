import { EdgectlError } from '../../errors/error.js';
import type { Driver } from './schema.js';

/** Refuses a driver that nobody has rolled out yet, unless that was asked for. Throws DRIVER_UNPROVEN. */
export function requireProven({ component, unproven }: Pick<Driver, 'component' | 'unproven'>, allowed: boolean): void {
  if (unproven === undefined || allowed) return;
  throw new EdgectlError('DRIVER_UNPROVEN', {
    message: `The driver ${component} is unproven: ${unproven}.`,
    data: { driver: component, unproven },
  });
}
