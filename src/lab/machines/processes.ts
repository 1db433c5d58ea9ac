import { readFile } from 'node:fs/promises';

/** Start time of a process in clock ticks since boot (proc(5), stat field 22); null when there is none of that number. */
export async function startTicks(pid: number): Promise<number | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Fields after the command name begin with number 3; a zombie is as good as gone.
  return fields[0] === 'Z' ? null : Number(fields[19]);
}

/** Children of a process, by number. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

/** Processes of this host that live in a process's pid namespace or below, the given one included. */
export async function descendantsOf(pid: number): Promise<number[]> {
  const found = [pid];
  for (let at = 0; at < found.length; at += 1) found.push(...(await childrenOf(found[at] ?? 0)));
  return found;
}

/** Command name of a process (proc(5), comm); empty when it is gone. */
export async function commOf(pid: number): Promise<string> {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
}

/** Was this process stopped by a signal (proc(5), stat)? */
export async function isStopped(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).startsWith('T');
}

/** Polls until a condition holds; false when `timeoutMs` went by without it. */
export async function until(
  condition: () => Promise<boolean>,
  timeoutMs: number,
  everyMs = 50,
  signal?: AbortSignal,
): Promise<boolean> {
  const tries = Math.ceil(timeoutMs / everyMs);
  for (let n = 0; n < tries; n += 1) {
    if (await condition()) return true;
    signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  return condition();
}

/** Is this directory a mount point of this host (proc(5), mountinfo)? */
export async function isMounted(dir: string): Promise<boolean> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text.split('\n').some((line) => line.split(' ')[4] === dir);
}
