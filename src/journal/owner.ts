import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';

/** Who holds a lease of the journal: enough to tell a live process from a dead one, and a reused pid from the old one. */
export interface LeaseOwner {
  owner: string;
  host: string;
  pid: number;
  bootId: string;
  /** Start of the process in clock ticks since boot (field 22 of /proc/PID/stat); empty where there is no /proc. */
  started: string;
}

/** Answers whether a process of this machine and boot still lives. */
export type LivenessProbe = (holder: LeaseOwner) => boolean;

/** This process as a lease owner. */
export function currentOwner(): LeaseOwner {
  return {
    owner: safely(() => userInfo().username, `uid-${process.getuid?.() ?? 0}`),
    host: hostname(),
    pid: process.pid,
    bootId: safely(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), ''),
    started: startTicks(process.pid) ?? '',
  };
}

/** Is the holder's process there, with the same start time? Only meaningful on the holder's own machine and boot. */
export function isAlive(holder: LeaseOwner): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const ticks = startTicks(holder.pid);
  return ticks === undefined || holder.started === '' || ticks === holder.started;
}

function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name may hold spaces and parentheses; fields are counted from the last one.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function safely(read: () => string, otherwise: string): string {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
