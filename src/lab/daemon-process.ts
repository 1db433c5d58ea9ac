import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { EdgectlError } from '../errors/error.js';
import type { LabLayout } from './layout.js';

/** A process, told from a later one with the same number by its start time (proc(5), field 22 of stat). */
export interface ProcessId {
  pid: number;
  startTime: string;
}

/** How long the nodes may take to boot, milliseconds. */
const startLimitMs = 120_000;

/** Start the lab's daemon in the background and wait until it serves; rejects with the end of its log when it does not come up. */
export async function startDaemon(layout: LabLayout): Promise<ProcessId> {
  const entry = fileURLToPath(new URL('../../bin/lab-daemon.js', import.meta.url));
  const log = await open(layout.logFile, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, 0o600);
  try {
    const child = spawn(execPath, [entry, layout.dir], {
      cwd: layout.dir,
      detached: true,
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
    });
    const ready = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), startLimitMs);
      child.once('message', () => resolve(true));
      child.once('error', () => resolve(false));
      child.once('exit', () => resolve(false));
      child.once('message', () => clearTimeout(timer));
      child.once('exit', () => clearTimeout(timer));
    });
    if (child.connected) child.disconnect();
    child.unref();
    const startTime = child.pid === undefined ? undefined : await processStartTime(child.pid);
    if (ready && child.pid !== undefined && startTime !== undefined) return { pid: child.pid, startTime };
    child.kill('SIGTERM');
    throw await startFailure(layout);
  } finally {
    await log.close();
  }
}

/** End a process that was started earlier: asked first, then killed. Resolves when it is gone; never touches a later process with its number. */
export async function endProcess(id: ProcessId, graceMs = 15_000): Promise<void> {
  if (await goneWithin(id, graceMs)) return;
  signal(id.pid, 'SIGTERM');
  if (await goneWithin(id, graceMs)) return;
  signal(id.pid, 'SIGKILL');
  await goneWithin(id, graceMs);
}

/** Does that very process still run? */
export async function isRunning(id: ProcessId): Promise<boolean> {
  return (await processStartTime(id.pid)) === id.startTime;
}

/** Start time of a process in clock ticks since boot; undefined when there is none. */
export async function processStartTime(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

async function goneWithin(id: ProcessId, ms: number): Promise<boolean> {
  const polls = Math.ceil(ms / 25);
  for (let i = 0; i < polls; i++) {
    if (!(await isRunning(id))) return true;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return !(await isRunning(id));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone in the meantime, which is what was wanted.
  }
}

async function startFailure(layout: LabLayout): Promise<EdgectlError> {
  const log = await readFile(layout.logFile, 'utf8').catch(() => '');
  return new EdgectlError('INTERNAL', {
    message: 'The lab’s background process did not come up.',
    lines: log.trimEnd().split('\n').slice(-10),
    hint: `its log: ${layout.logFile}`,
  });
}
