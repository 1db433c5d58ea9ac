import type { Config } from '@oclif/core';
import { EdgectlError } from '../errors/error.js';
import type { Origin } from './config.js';
import { configFiles, lookup } from './config.js';
import { envName, sharedFlags } from './flags.js';
import type { Io } from './io.js';

/** One flag's value outside of a command line. */
export interface Setting {
  name: string;
  value: unknown;
  origin: Origin;
  /** The variable or the file; empty for a default. */
  where: string;
}

interface FlagLike {
  env?: string | undefined;
  default?: unknown;
}

/** The shared flags' values, and those of one command when it is named (`rollout runtime`), without flags on a command line. */
export async function resolveSettings(
  config: Pick<Config, 'findCommand'>,
  where: { io: Io; fleetDir: string | undefined; command: string | undefined },
): Promise<Setting[]> {
  const command =
    where.command === undefined ? undefined : config.findCommand(where.command.trim().replaceAll(' ', ':'));
  if (where.command !== undefined && command === undefined) {
    throw new EdgectlError('USAGE', {
      message: `There is no command ${JSON.stringify(where.command)}.`,
      hint: 'edgectl --help',
    });
  }
  const flags: Record<string, FlagLike> = { ...sharedFlags, ...(command?.flags ?? {}) };
  const files = await configFiles(where.io, where.fleetDir ?? where.io.env['EDGECTL_FLEET']);
  return Object.entries(flags)
    .map(([name, flag]) => {
      const variable = flag.env ?? envName(name);
      const fromEnv = where.io.env[variable];
      if (name === 'fleet' && where.fleetDir !== undefined && where.fleetDir !== fromEnv)
        return { name, value: where.fleetDir, origin: 'flag' as const, where: '--fleet' };
      if (fromEnv !== undefined && fromEnv !== '')
        return { name, value: fromEnv, origin: 'env' as const, where: variable };
      const found = lookup(files, where.command ?? '', name);
      if (found) return { name, value: found.value, origin: found.file.origin, where: found.file.path };
      return { name, value: flag.default, origin: 'default' as const, where: '' };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
