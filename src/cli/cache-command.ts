import { homedir } from 'node:os';
import { resolve } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { EdgectlError } from '../errors/error.js';
import { parseDuration } from '../fleet/schema/scalars.js';
import type { CacheSurroundings } from '../operations/cache-plan.js';
import type { Clock } from '../util/clock.js';
import type { Io } from './io.js';

/** Flags of the commands that look at what sites lack. */
export const cacheFlags = {
  site: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    helpValue: 'SITE',
    summary: 'Only these sites.',
  }),
  for: Flags.string({
    options: ['rollout'],
    summary: 'Instead of images.yaml: the bundles that runtimes.yaml takes from registries.',
  }),
  ca: Flags.string({ helpValue: 'FILE', summary: 'PEM certificates to trust besides the built-in ones.' }),
};

/** What the cache operations get from a command. */
export function cacheAround(command: {
  io: Io;
  clock: Clock;
  signal: AbortSignal;
  ca?: string | undefined;
}): CacheSurroundings {
  const { io, clock, signal, ca } = command;
  return {
    env: io.env,
    homedir: io.env['HOME'] ?? homedir(),
    now: () => clock.now(),
    signal,
    ...(ca === undefined ? {} : { caFile: resolve(io.cwd, ca) }),
  };
}

/** Milliseconds since the epoch of a deadline: a duration from now (`12h`) or a time with a zone (RFC 3339). Throws USAGE. */
export function parseDeadline(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const after = parseDuration(text);
  if (after !== undefined) return now + after;
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new EdgectlError('USAGE', {
    message: `“${text}” is no deadline.`,
    hint: 'write a duration such as 12h, or a time with its zone such as 2026-11-30T06:00+01:00',
  });
}
