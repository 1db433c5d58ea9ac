import type { ChildProcess } from 'node:child_process';

/** What a lab node needs of the init that owns its units, timers and processes. */
export interface NodeInit {
  /** Start what a machine starts at boot, recovery first. */
  boot(): Promise<void>;
  /** Run a process of the node with standard streams as pipes, and the init's socket as descriptor 3. */
  spawn(argv: readonly string[]): ChildProcess;
  /** Kill every process of the node at once and forget what was volatile. Leaves the node off. */
  powerCut(): Promise<void>;
}

/** Makes the init of a node from its root directory. */
export type NodeInitFactory = (root: string) => NodeInit;
