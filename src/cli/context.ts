import type { EventEmitter } from 'node:events';
import type { Clock } from '../util/clock.js';
import { systemClock } from '../util/clock.js';
import type { Io } from './io.js';
import { processIo } from './io.js';

/** What a command gets from outside; tests hand in their own. */
export interface CliContext {
  io: Io;
  clock: Clock;
  /** Where SIGINT, SIGTERM and SIGHUP come from. */
  signals: EventEmitter;
  /** Records the exit code; the entry point ends the process with it. */
  setExitCode(code: number): void;
  /** Ends the process at once (a third Ctrl-C). */
  giveUp(code: number): void;
}

/** The context of the real process. */
export function processContext(): CliContext {
  return {
    io: processIo(),
    clock: systemClock,
    signals: process,
    setExitCode: (code) => {
      process.exitCode = code;
    },
    giveUp: (code) => process.exit(code),
  };
}
