import * as Flags from '@oclif/core/flags';
import { EdgectlError } from '../errors/error.js';
import { parseDuration } from '../fleet/schema/scalars.js';

/** How old what is known may be, for commands that compare it. */
export const freshnessFlags = {
  cached: Flags.boolean({ exclusive: ['live', 'max-age'], summary: 'Contact no node; go by what was seen before.' }),
  'max-age': Flags.string({
    exclusive: ['live', 'cached'],
    helpValue: '1h',
    summary: 'Look at nodes that were asked longer ago than this; 10m when absent.',
  }),
  live: Flags.boolean({ exclusive: ['cached', 'max-age'], summary: 'Look at every node now.' }),
};

/** Nodes that were asked longer ago are asked again. Milliseconds; Infinity: none are. */
export function maxAgeOf(flags: { cached: boolean; live: boolean; 'max-age'?: string | undefined }): number {
  if (flags.cached) return Number.POSITIVE_INFINITY;
  if (flags.live) return 0;
  const ms = parseDuration(flags['max-age'] ?? '10m');
  if (ms !== undefined) return ms;
  throw new EdgectlError('USAGE', {
    message: `--max-age cannot be ${JSON.stringify(flags['max-age'])}.`,
    hint: 'use a duration such as 15m, 1h or 2d',
  });
}
