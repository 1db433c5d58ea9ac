import { mkdtempSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import type { Machine } from '../../src/lab/machines/machine.js';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { startMachines } from '../../src/lab/machines/machines.js';
import type { MachineSuite } from '../../src/lab/machines/types.js';
import { requires } from './requires.js';

/** Whether real machines can be started here. */
export const machinesNeed = requires('root', 'nspawn', 'mmdebstrap', 'ip', 'loop', 'mkfs', 'ssh-keygen');

/** Starts machines for one test file, in a directory of its own; the caller stops them. */
export function testMachines(options: {
  count: number;
  stateImageMiB?: number;
  suite?: MachineSuite;
  prefix?: string;
}): Promise<MachinesLab> {
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  const dir = mkdtempSync(path.join(tmpdir(), 'edgectl-machines-'));
  return startMachines({ ...options, dir, cacheDir: path.join(cache, 'edgectl', 'lab') });
}

/** A container that serves HTTP on a machine. */
export interface ServingContainer {
  /** Its process, as the machine numbers it. */
  pid: number;
  url: string;
}

/** Starts a busybox httpd in a container through the machine's own containerd, shim and runc. */
export async function startServing(
  machine: Machine,
  options: { name?: string; port?: number } = {},
): Promise<ServingContainer> {
  const { name = 'web', port = 8080 } = options;
  await machine.sh(
    `mkdir -p /srv/${name}/bin /srv/${name}/www && cp /bin/busybox /srv/${name}/bin/ && echo "serving from ${machine.id}" > /srv/${name}/www/index.html
     ctr run -d --net-host --rootfs /srv/${name} ${name} /bin/busybox httpd -f -p ${port} -h /www`,
  );
  return { pid: await taskPid(machine, name), url: `http://${machine.address}:${port}/` };
}

/** Pid of a container's task as containerd tells it; throws when there is no running task. */
export async function taskPid(machine: Machine, name = 'web'): Promise<number> {
  const listed = await machine.sh(`ctr task ls | awk -v n=${name} '$1 == n && $3 == "RUNNING" { print $2 }'`);
  if (!/^\d+\n$/.test(listed)) throw new Error(`${machine.id} runs no task ${name}: ${JSON.stringify(listed)}`);
  return Number(listed);
}

/** What a poller saw between its start and its stop. */
export interface PollReport {
  answered: number;
  /** Messages of the requests that failed. */
  failures: string[];
}

/** Asks a container for its page ten times a second until stopped, over a new connection each time. */
export function poll(container: ServingContainer): { stop(): Promise<PollReport> } {
  const report: PollReport = { answered: 0, failures: [] };
  let stopped = false;
  const loop = (async () => {
    while (!stopped) {
      try {
        const answer = await fetch(container.url, {
          signal: AbortSignal.timeout(2000),
          headers: { connection: 'close' },
        });
        if ((await answer.text()).startsWith('serving from ')) report.answered += 1;
        else report.failures.push(`status ${answer.status}`);
      } catch (error) {
        report.failures.push(String((error as Error).cause ?? error));
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await loop;
      return report;
    },
  };
}
