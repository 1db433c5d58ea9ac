import { readdir, readFile, readlink } from 'node:fs/promises';
import { sep } from 'node:path';

/** Rounds until nothing is left: a process that is being ended may have started another. */
const rounds = 20;

/**
 * End every process of the nodes below a directory whose init died before it could: those that run there (working
 * directory) or whose program or script lies there. Answers how many there were.
 */
export async function endStrays(nodesDir: string): Promise<number> {
  const ended = new Set<number>();
  for (let round = 0; round < rounds; round++) {
    const strays = await findStrays(nodesDir);
    if (strays.length === 0) break;
    for (const pid of strays) {
      ended.add(pid);
      kill(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return ended.size;
}

/** Processes, other than this one, that belong to nodes below a directory. */
export async function findStrays(nodesDir: string): Promise<number[]> {
  const prefix = nodesDir + sep;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const mine = await Promise.all(pids.map((pid) => pid !== process.pid && belongs(pid, prefix)));
  return pids.filter((_, i) => mine[i]);
}

async function belongs(pid: number, prefix: string): Promise<boolean> {
  const [cwd, words] = await Promise.all([
    readlink(`/proc/${pid}/cwd`).catch(() => ''),
    readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
  ]);
  if (cwd.startsWith(prefix)) return true;
  // Only the program and a script that it interprets: an editor with a node's file as argument is not the lab's.
  const [program = '', script = ''] = words.split('\0');
  return program.startsWith(prefix) || (/(^|\/)(sh|dash|bash|busybox)$/.test(program) && script.startsWith(prefix));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone in the meantime, or somebody else's: then it is not the lab's.
  }
}
