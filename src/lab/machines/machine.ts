import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import type { HostResult } from './host-command.js';
import { host, tryHost } from './host-command.js';
import { blackHole, cutCable, plugIn } from './network.js';
import { bootMachine, consoleTail, gone, initOf } from './nspawn.js';
import { commOf, descendantsOf, isMounted, isStopped, until } from './processes.js';
import { greets } from './ssh-banner.js';
import {
  copyAfterCut,
  createImage,
  cutPowerOf,
  imageNumber,
  mountImage,
  nextImage,
  unmountImage,
} from './state-image.js';
import type { MachineRecord } from './types.js';

/** What a machine needs to know of its lab. */
export interface MachineContext {
  bridge: string;
  unifiedCgroups: boolean;
  /** Writes the lab's state file. */
  save: () => Promise<void>;
}

/** One systemd machine of a lab: power, cable, and a way in that needs no network. */
export class Machine {
  constructor(
    readonly record: MachineRecord,
    private readonly context: MachineContext,
  ) {}

  get id(): string {
    return this.record.id;
  }

  get address(): string {
    return this.record.address;
  }

  get root(): string {
    return path.join(this.record.dir, 'root');
  }

  /** How often its power was cut: each cut leaves an image with the next number. */
  get powerCuts(): number {
    return imageNumber(this.record.image?.file ?? '');
  }

  private get link(): string {
    return `vb-${this.record.unit}`;
  }

  private get stateMount(): string {
    return path.join(this.record.dir, 'state');
  }

  private get consoleFile(): string {
    return path.join(this.record.dir, 'console');
  }

  /** Switches the machine on and waits until sshd greets and its units have settled. */
  async boot(signal?: AbortSignal): Promise<void> {
    if (await this.isUp()) return;
    await this.mountRoot();
    const containerdState = path.join(this.record.dir, 'containerd');
    this.record.supervisor = await bootMachine({
      unit: this.record.unit,
      hostname: this.record.id,
      root: this.root,
      bridge: this.context.bridge,
      binds: {
        // An overlay cannot be the upper layer of containerd's own overlays.
        [containerdState]: '/var/lib/containerd',
        ...(this.record.image === null ? {} : { [this.stateMount]: '/var/lib/edgectl' }),
      },
      console: this.consoleFile,
      unifiedCgroups: this.context.unifiedCgroups,
    });
    await this.context.save();
    const ready = await until(() => greets(this.address, 1000), 60_000, 100, signal);
    if (!ready) throw await this.bootFailure('sshd does not greet');
    const settled = await this.exec(['systemctl', 'is-system-running', '--wait'], { timeoutMs: 60_000 });
    if (!/running|degraded/.test(settled.stdout))
      throw await this.bootFailure(`its units did not settle: ${settled.stdout.trim()}`);
  }

  /** Is its init running? */
  async isUp(): Promise<boolean> {
    return (await initOf(this.record.supervisor)) !== null;
  }

  /** Shuts down as a person would, units stopped in order. */
  async powerOff(): Promise<void> {
    const { supervisor } = this.record;
    const init = await initOf(supervisor);
    // systemd(1): SIGRTMIN+4 starts poweroff.target. Node's own table of signals lacks the real-time ones.
    if (init !== null) await tryHost(['kill', '-s', 'RTMIN+4', String(init)]);
    if (supervisor !== null && !(await gone(supervisor, 30_000))) await this.kill();
    await this.off();
  }

  /** Ends every process of the machine at once. What was written stays written: for a loss of data see {@link powerCut}. */
  async kill(): Promise<void> {
    const { supervisor } = this.record;
    const init = await initOf(supervisor);
    if (init !== null) process.kill(init, 'SIGKILL');
    if (supervisor !== null && !(await gone(supervisor, 10_000))) process.kill(supervisor.pid, 'SIGKILL');
    await this.off();
  }

  /** Cuts the power: what the node had not synced to its state image is lost. It stays off until {@link boot}, which then runs on a fresh copy. */
  async powerCut(): Promise<void> {
    const { image } = this.record;
    if (image === null)
      throw new EdgectlError('LAB_UNSUPPORTED', {
        message: `${this.id} has no state image, so a power cut would lose nothing and prove nothing`,
      });
    await cutPowerOf(this.stateMount);
    await this.kill();
    await unmountImage(this.stateMount, image.device);
    this.record.image = { file: await copyAfterCut(image.file), device: null };
    await this.context.save();
  }

  /** Keeps a copy of the state image of a machine that is off, for {@link restoreState}. */
  async saveState(file: string): Promise<void> {
    const image = await this.detachedImage();
    await host(['cp', '--sparse=always', image, file]);
  }

  /** Gives a machine that is off the state of a saved copy. */
  async restoreState(file: string): Promise<void> {
    const image = await this.detachedImage();
    const fresh = nextImage(image);
    await host(['cp', '--sparse=always', file, fresh]);
    await rm(image);
    this.record.image = { file: fresh, device: null };
    await this.context.save();
  }

  /** Cuts the network cable. */
  async partition(): Promise<void> {
    await cutCable(this.link);
  }

  /** Lets packets to the machine vanish without an answer. */
  async blackHole(): Promise<void> {
    await blackHole(this.link, this.context.bridge, this.address);
  }

  /** Plugs the cable in again, after {@link partition} or {@link blackHole}. */
  async reconnect(): Promise<void> {
    await plugIn(this.link, this.context.bridge, this.address);
  }

  /** Stops sshd where it stands: TCP connects, SSH never greets. */
  async hangSshd(): Promise<void> {
    await this.signalSshd('SIGSTOP');
  }

  /** Lets a stopped sshd go on. */
  async resumeSshd(): Promise<void> {
    await this.signalSshd('SIGCONT');
  }

  /** Does a sshd stand where {@link hangSshd} stopped it? */
  async isSshdStopped(): Promise<boolean> {
    const stopped = await Promise.all((await this.sshd()).map((pid) => isStopped(pid)));
    return stopped.includes(true);
  }

  /** Runs a command inside the machine, without SSH. Status 255 and empty output when it is off. */
  async exec(
    argv: readonly string[],
    options: { input?: string | Uint8Array; timeoutMs?: number } = {},
  ): Promise<HostResult> {
    const init = await initOf(this.record.supervisor);
    if (init === null) return { status: 255, stdout: '', stderr: `${this.id} is off` };
    const environment = [
      'env',
      '-i',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'HOME=/root',
      'LC_ALL=C',
    ];
    return tryHost(
      ['nsenter', '-t', String(init), '-m', '-u', '-i', '-n', '-p', '-C', '-r', '-w', '--', ...environment, ...argv],
      options,
    );
  }

  /** Runs a shell script inside the machine; its output. Throws when it fails. */
  async sh(script: string, options: { timeoutMs?: number } = {}): Promise<string> {
    const result = await this.exec(['sh', '-c', script], options);
    if (result.status === 0) return result.stdout;
    throw new EdgectlError('NODE_FAILED', {
      message: `${this.id}: ${script.slice(0, 120)} ended with ${result.status}: ${result.stderr.trim().slice(-500)}`,
    });
  }

  /** Switches it off without ceremony and gives back what it holds on this host. */
  async dispose(): Promise<void> {
    await this.kill();
    await unmountImage(this.stateMount, this.record.image?.device ?? null);
    if (await isMounted(this.root)) await host(['umount', this.root]);
  }

  private async mountRoot(): Promise<void> {
    const { dir, baseRoot, stateImageMiB } = this.record;
    for (const name of ['root', 'upper', 'work', 'containerd', 'state'])
      await mkdir(path.join(dir, name), { recursive: true });
    if (!(await isMounted(this.root))) {
      const layers = `lowerdir=${baseRoot},upperdir=${path.join(dir, 'upper')},workdir=${path.join(dir, 'work')}`;
      await host(['mount', '-t', 'overlay', 'overlay', '-o', layers, this.root]);
    }
    if (stateImageMiB === null) return;
    if (this.record.image === null) {
      const file = path.join(dir, 'state.0.img');
      await createImage(file, stateImageMiB);
      this.record.image = { file, device: null };
    }
    if (!(await isMounted(this.stateMount)))
      this.record.image = await mountImage(this.record.image.file, this.stateMount);
  }

  private async detachedImage(): Promise<string> {
    const { image } = this.record;
    if (image === null || (await this.isUp()))
      throw new EdgectlError('LAB_UNSUPPORTED', { message: `${this.id} must be off and have a state image` });
    await unmountImage(this.stateMount, image.device);
    this.record.image = { file: image.file, device: null };
    return image.file;
  }

  private async off(): Promise<void> {
    this.record.supervisor = null;
    await this.context.save();
  }

  private async signalSshd(signal: NodeJS.Signals): Promise<void> {
    for (const pid of await this.sshd()) process.kill(pid, signal);
  }

  private async sshd(): Promise<number[]> {
    const init = await initOf(this.record.supervisor);
    if (init === null) return [];
    const found: number[] = [];
    for (const pid of await descendantsOf(init)) if ((await commOf(pid)).startsWith('sshd')) found.push(pid);
    return found;
  }

  private async bootFailure(what: string): Promise<EdgectlError> {
    const lines = await consoleTail(this.consoleFile);
    return new EdgectlError('LAB_UNSUPPORTED', { message: `${this.id} did not come up: ${what}`, lines });
  }
}
