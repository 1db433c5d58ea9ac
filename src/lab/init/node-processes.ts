import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** Kill a whole session (setsid(2)), also processes of it that made themselves a group of their own. */
export async function killSession(session: number): Promise<void> {
  await killAll(() => pids().filter((pid) => sessionOf(pid) === session));
}

/**
 * Kill every process of a node: those of the sessions that were started for it, and those that work in its root (a workload
 * that made itself a session). Repeats until none is left, because one may fork while it is looked for.
 */
export async function killNode(root: string, sessions: ReadonlyMap<number, string>): Promise<void> {
  await killAll(() => {
    const ours = (session: number): boolean => {
      const started = sessions.get(session);
      // A session keeps its number from being given away, so only another leader can mean another session.
      const leader = startOf(session);
      return started !== undefined && (leader === undefined || leader === started);
    };
    return pids().filter((pid) => ours(sessionOf(pid)) || worksIn(root, pid));
  });
}

/** Start time of a process in ticks since boot (proc(5), field 22 of stat); undefined for one that has ended. */
export function startOf(pid: number): string | undefined {
  return statOf(pid)?.[19];
}

/** Pids of a node's processes whose command name begins with a prefix. */
export function processesNamed(root: string, prefix: string): number[] {
  return pids().filter((pid) => nameOf(pid).startsWith(prefix) && worksIn(root, pid));
}

async function killAll(find: () => number[]): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const found = find().filter((pid) => pid !== process.pid);
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended already.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function pids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/** Session of a process (proc(5), field 6 of stat); -1 for one that has ended. */
function sessionOf(pid: number): number {
  const fields = statOf(pid);
  return fields?.[0] === 'Z' ? -1 : Number(fields?.[3] ?? -1);
}

function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return '';
  }
}

function worksIn(root: string, pid: number): boolean {
  try {
    const cwd = readlinkSync(`/proc/${pid}/cwd`);
    return cwd === root || cwd.startsWith(`${root}/`);
  } catch {
    return false;
  }
}
