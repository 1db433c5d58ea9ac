import { LabInit } from './init/lab-init.js';
import { LabDaemon } from './lab-daemon.js';
import { labLayout } from './layout.js';
import { readLabNodes } from './state.js';

/** The process that hosts the daemon. */
export interface DaemonHost {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  send?: ((message: string) => boolean) | undefined;
}

/** Serve the lab of a directory until it is shut down; tells its parent once it serves. Answers the exit code. */
export async function runLabDaemon(dir: string | undefined, host: DaemonHost): Promise<number> {
  if (dir === undefined) return 64;
  const layout = labLayout(dir);
  const daemon = new LabDaemon(layout, await readLabNodes(layout), (root) => new LabInit({ root }));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) host.on(signal, () => void daemon.stop());
  // The terminal that it was started from may go away.
  host.on('SIGHUP', () => undefined);
  await daemon.start();
  host.send?.('ready');
  await daemon.done();
  return 0;
}
