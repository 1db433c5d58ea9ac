import type { ChildProcess } from 'node:child_process';
import { access, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { killSession } from './node-processes.js';

/** What a unit file says, resolved. */
export interface UnitDefinition {
  exec: string[];
  restart: 'always' | 'no';
  kill: 'process' | 'group';
  env?: Record<string, string>;
  restartDelayMs?: number;
  /** Starts within ten seconds. */
  startLimit?: number;
  startTimeoutS?: number;
  /** Absolute path of the file whose existence says that it is ready. */
  ready?: string;
  /** Absolute path of a file that keeps it from starting, unless `let` exists as well. */
  held?: string;
  let?: string;
  onFailure?: string[];
  /** Run after the main process has ended, however it ended. */
  stopPost?: string[];
  runtimeMaxS?: number;
}

/** What `show` tells. */
export interface UnitState {
  state: 'inactive' | 'activating' | 'active' | 'deactivating' | 'failed';
  pid: number;
  restarts: number;
  result: 'success' | 'exit-code' | 'signal' | 'timeout' | 'start-limit';
}

interface UnitOptions {
  name: string;
  root: string;
  definition: () => Promise<UnitDefinition>;
  spawn: (argv: readonly string[], log: number) => ChildProcess;
  onState: (state: UnitState['state']) => void;
}

/** Period in which starts are counted against the limit, milliseconds (systemd's own default). */
const startPeriodMs = 10_000;
/** How long a process may take to end after SIGTERM, milliseconds. */
const stopGraceMs = 2_000;
const readyPollMs = 50;

/** One service of a sandbox node. */
export class Unit {
  transient = false;
  readonly #options: UnitOptions;
  #state: UnitState = { state: 'inactive', pid: 0, restarts: 0, result: 'success' };
  #child: ChildProcess | undefined;
  #finished: Promise<void> = Promise.resolve();
  #stopping = false;
  #gone = false;
  #starts: number[] = [];
  #restartTimer: NodeJS.Timeout | undefined;

  constructor(options: UnitOptions) {
    this.#options = options;
  }

  /** How it is. */
  state(): UnitState {
    return { ...this.#state };
  }

  /** Start it; resolves once the process exists, not once it is ready. */
  async start(): Promise<void> {
    if (this.#child || this.#gone) return;
    this.#stopping = false;
    let unit: UnitDefinition;
    try {
      unit = await this.#options.definition();
    } catch {
      this.#set({ state: 'failed', result: 'exit-code' });
      return;
    }
    if (await isHeld(unit)) {
      this.#set({ state: 'inactive', pid: 0 });
      return;
    }
    this.#starts = [...this.#starts.filter((at) => performance.now() - at < startPeriodMs), performance.now()];
    const log = await this.#openLog();
    try {
      if (this.#gone) return;
      const argv =
        unit.env && Object.keys(unit.env).length > 0
          ? ['/usr/bin/env', ...assignments(unit.env), ...unit.exec]
          : unit.exec;
      const child = this.#options.spawn(argv, log.fd);
      this.#child = child;
      this.#set({ state: unit.ready === undefined ? 'active' : 'activating', pid: child.pid ?? 0, result: 'success' });
      const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
        child.once('error', () => resolve({ code: 127, signal: null }));
        child.once('exit', (code, signal) => resolve({ code, signal }));
      });
      const cap =
        unit.runtimeMaxS === undefined
          ? undefined
          : setTimeout(() => this.#kill(unit, 'SIGKILL'), unit.runtimeMaxS * 1000);
      this.#finished = ended.then(async ({ code, signal }) => {
        clearTimeout(cap);
        await this.#afterExit(unit, child, code, signal);
      });
      if (unit.ready !== undefined) void this.#awaitReady(unit, unit.ready, child);
    } finally {
      await log.close();
    }
  }

  /** Stop it; resolves when it has ended and its stop hook too. */
  async stop(): Promise<void> {
    clearTimeout(this.#restartTimer);
    this.#stopping = true;
    const child = this.#child;
    if (!child) {
      if (this.#state.state !== 'failed') this.#set({ state: 'inactive', pid: 0 });
      return;
    }
    this.#set({ state: 'deactivating' });
    const unit = await this.#options.definition().catch(() => undefined);
    this.#kill(unit, 'SIGTERM');
    const late = setTimeout(() => this.#kill(unit, 'SIGKILL'), stopGraceMs);
    await this.#finished;
    clearTimeout(late);
  }

  /** Stop and start; the counters begin anew, as after `systemctl reset-failed`. */
  async restart(): Promise<void> {
    await this.stop();
    this.#starts = [];
    this.#state.restarts = 0;
    await this.start();
  }

  /** The node has lost its power: nothing that still happens counts. */
  forget(): void {
    this.#gone = true;
    clearTimeout(this.#restartTimer);
  }

  async #afterExit(
    unit: UnitDefinition,
    child: ChildProcess,
    code: number | null,
    signal: NodeJS.Signals | null,
  ): Promise<void> {
    if (this.#gone) return;
    if (unit.kill === 'group' && child.pid !== undefined) await killSession(child.pid);
    if (unit.stopPost) {
      this.#set({ state: 'deactivating', pid: 0 });
      await this.#hook(unit.stopPost);
    }
    if (this.#gone) return;
    this.#child = undefined;
    const clean = code === 0 && signal === null;
    const timedOut = this.#state.result === 'timeout';
    if (this.#stopping) this.#set({ state: 'inactive', pid: 0, result: 'success' });
    else if (unit.restart === 'no' && clean) this.#set({ state: 'inactive', pid: 0, result: 'success' });
    else if (unit.restart === 'no') this.#fail(unit, timedOut ? 'timeout' : signal ? 'signal' : 'exit-code');
    else if (this.#starts.length >= (unit.startLimit ?? 5)) this.#fail(unit, timedOut ? 'timeout' : 'start-limit');
    else {
      this.#set({ state: 'activating', pid: 0, restarts: this.#state.restarts + 1 });
      this.#restartTimer = setTimeout(() => void this.start(), unit.restartDelayMs ?? 100);
    }
  }

  #fail(unit: UnitDefinition, result: UnitState['result']): void {
    this.#set({ state: 'failed', pid: 0, result });
    if (unit.onFailure) void this.#hook(unit.onFailure);
  }

  async #hook(argv: readonly string[]): Promise<void> {
    const log = await this.#openLog();
    try {
      const child = this.#options.spawn(argv, log.fd);
      await new Promise<void>((resolve) => {
        child.once('error', () => resolve());
        child.once('exit', () => resolve());
      });
    } finally {
      await log.close();
    }
  }

  async #awaitReady(unit: UnitDefinition, ready: string, child: ChildProcess): Promise<void> {
    const until = performance.now() + (unit.startTimeoutS ?? 30) * 1000;
    while (this.#child === child && !this.#gone && this.#state.state === 'activating') {
      if (await isThere(ready)) {
        this.#set({ state: 'active' });
        return;
      }
      if (performance.now() >= until) {
        this.#state.result = 'timeout';
        this.#kill(unit, 'SIGKILL');
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, readyPollMs));
    }
  }

  #kill(unit: UnitDefinition | undefined, signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(unit?.kill === 'process' ? pid : -pid, signal);
    } catch {
      // It has ended already.
    }
  }

  #set(change: Partial<UnitState>): void {
    const before = this.#state.state;
    this.#state = { ...this.#state, ...change };
    if (change.state !== undefined && change.state !== before) this.#options.onState(change.state);
  }

  async #openLog(): Promise<{ fd: number; close(): Promise<void> }> {
    const dir = join(this.#options.root, 'var', 'log', 'lab-init');
    await mkdir(dir, { recursive: true });
    return open(join(dir, `${this.#options.name}.log`), 'a');
  }
}

function assignments(env: Record<string, string>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

async function isHeld({ held, let: unless }: UnitDefinition): Promise<boolean> {
  if (held === undefined || !(await isThere(held))) return false;
  return unless === undefined || !(await isThere(unless));
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
