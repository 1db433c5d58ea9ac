import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { askLab } from './control-client.js';
import { endProcess, isRunning } from './daemon-process.js';
import type { LabLayout } from './layout.js';
import { requireLabState } from './state.js';
import { stopMachines } from './machine-damage.js';
import { endStrays } from './strays.js';

/** What `lab down` took away. */
export interface LabDownResult {
  nodes: number;
  dir: string;
  /** Processes of a daemon that had died before, ended now. */
  strays: number;
}

/** End the lab of a directory: its processes, then its files, and what it left in the user's own directories. */
export async function labDown(layout: LabLayout): Promise<LabDownResult> {
  const state = await requireLabState(layout);
  const running = state.daemon !== undefined && (await isRunning(state.daemon));
  if (state.daemon && running) {
    await askLab(state.daemon.socket, { op: 'shutdown' }).catch(() => undefined);
    await endProcess(state.daemon);
  }
  if (state.kind === 'machines') await stopMachines(layout);
  const ended = await endStrays(join(layout.dir, 'nodes'));
  for (const path of state.leftElsewhere) await rm(path, { recursive: true, force: true });
  await rm(layout.socket, { force: true });
  await rm(layout.dir, { recursive: true, force: true });
  return { nodes: state.nodes, dir: layout.dir, strays: running ? 0 : ended };
}
