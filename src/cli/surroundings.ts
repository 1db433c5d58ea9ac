import { randomBytes } from 'node:crypto';
import { homedir, tmpdir } from 'node:os';
import type { Surroundings } from '../operations/surroundings.js';
import type { Clock } from '../util/clock.js';
import type { Io } from './io.js';

/** What an operation gets from a command. */
export function surroundingsOf(command: { io: Io; clock: Clock; signal: AbortSignal; version: string }): Surroundings {
  const { io, clock, signal, version } = command;
  return {
    env: io.env,
    homedir: io.env['HOME'] ?? homedir(),
    tmpdir: tmpdir(),
    now: () => clock.now(),
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    signal,
    interactive: io.isTTY,
    tool: `edgectl ${version}`,
  };
}
