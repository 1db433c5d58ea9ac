import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { EdgectlError } from '../../errors/error.js';
import { childrenOf, startTicks, until } from './processes.js';

/** What systemd-nspawn is told about one machine. */
export interface BootOptions {
  unit: string;
  hostname: string;
  root: string;
  bridge: string;
  /** Host directory → path in the machine. */
  binds: Readonly<Record<string, string>>;
  /** File that receives the console. */
  console: string;
  unifiedCgroups: boolean;
}

/** Arguments of systemd-nspawn for a lab machine. */
export function nspawnArgv(options: BootOptions): string[] {
  // A Debian 13 systemd refuses cgroup v1 unless told so on the kernel's command line (systemd NEWS 256).
  const legacy = 'systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1';
  return [
    'systemd-nspawn',
    '--quiet',
    '--register=no',
    '--keep-unit',
    '--boot',
    `--directory=${options.root}`,
    `--machine=${options.unit}`,
    `--hostname=${options.hostname}`,
    `--network-bridge=${options.bridge}`,
    '--capability=all',
    '--system-call-filter=@known',
    '--link-journal=no',
    '--timezone=off',
    '--resolv-conf=off',
    '--console=pipe',
    ...Object.entries(options.binds).map(([from, to]) => `--bind=${from}:${to}`),
    ...(options.unifiedCgroups ? [] : [`--setenv=SYSTEMD_PROC_CMDLINE=${legacy}`]),
  ];
}

/** Starts a machine in the background; the supervising process outlives this one. */
export async function bootMachine(options: BootOptions): Promise<{ pid: number; startTicks: number }> {
  const [program = '', ...args] = nspawnArgv(options);
  const log = await open(options.console, 'a');
  try {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', log.fd, log.fd] });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('spawn', () => resolve(child.pid ?? 0));
      child.once('error', (cause) =>
        reject(new EdgectlError('TOOL_MISSING', { message: `${program} is not installed here`, cause })),
      );
    });
    child.unref();
    return { pid, startTicks: (await startTicks(pid)) ?? 0 };
  } finally {
    await log.close();
  }
}

/** The machine's init as this host numbers it; null when it is not running. */
export async function initOf(supervisor: { pid: number; startTicks: number } | null): Promise<number | null> {
  if (supervisor === null || (await startTicks(supervisor.pid)) !== supervisor.startTicks) return null;
  return (await childrenOf(supervisor.pid))[0] ?? null;
}

/** Waits for a supervisor's end; false when it is still there after `timeoutMs`. */
export async function gone(supervisor: { pid: number; startTicks: number }, timeoutMs: number): Promise<boolean> {
  return until(async () => (await startTicks(supervisor.pid)) !== supervisor.startTicks, timeoutMs);
}

/** The last lines of a console, for the message of a boot that failed. */
export async function consoleTail(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  // eslint-disable-next-line no-control-regex
  return text
    .replaceAll(/\x1b\[[0-9;?]*[A-Za-z]|[^\x20-\x7e\n]/g, '')
    .trimEnd()
    .split('\n')
    .slice(-8);
}
