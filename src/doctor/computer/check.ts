import type { Fleet } from '../../fleet/types.js';
import type { TransportFailure } from '../../transport/types.js';
import type { Finding } from '../check.js';

/** What the checks of the operator's own computer look at; all of it is handed in. */
export interface Computer {
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  /** Milliseconds since the epoch. */
  now: number;
  /** Version of Node.js, without the `v`. */
  nodeVersion: string;
  /** The fleet repository, or why there is none. */
  fleet(): Promise<Fleet>;
  /** Reads every settings file; answers their paths. Throws CONFIG_INVALID. */
  settings(): Promise<readonly string[]>;
  /** Logs in to a bastion and asks for its limit of open files; undefined when it runs no commands. Absent when nothing may be contacted. */
  bastion?(name: string, fleet: Fleet): Promise<{ openFiles: number | undefined } | TransportFailure>;
}

/** One check of the operator's own computer. */
export interface ComputerCheck {
  id: string;
  run(computer: Computer): Promise<Finding>;
}

/** The same for a check that has nothing to look at without a fleet. */
export interface FleetCheck {
  id: string;
  needsFleet: true;
  run(computer: Computer, fleet: Fleet): Promise<Finding>;
}
