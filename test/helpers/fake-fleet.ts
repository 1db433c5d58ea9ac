import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { builtinActions } from '../../src/actions/registry.js';
import type { RunEvent } from '../../src/executor/events.js';
import { Executor } from '../../src/executor/executor.js';
import type { BoundaryHook, ExecutorDeps, RunControls, RunResult } from '../../src/executor/types.js';
import { openJournal, type Journal } from '../../src/journal/journal.js';
import type { Plan } from '../../src/plan/types.js';
import { FakeClock } from './fake-clock.js';
import { FakeKit } from './fake-kit.js';
import { EPOCH, NEW, NEWER, OLD, SIZE } from './make-plan.js';

/** Memory where there is such a file system: hundreds of journals are opened, and what a disk loses is tested elsewhere. */
const scratch = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A person with a keyboard, for tests. */
export class FakeControls implements RunControls {
  #drain: ((signal: string) => void)[] = [];
  #detach: ((signal: string) => void)[] = [];
  onDrain(listener: (signal: string) => void): void {
    this.#drain.push(listener);
  }
  onDetach(listener: (signal: string) => void): void {
    this.#detach.push(listener);
  }
  drain(signal = 'SIGINT'): void {
    for (const listener of this.#drain) listener(signal);
  }
  detach(signal = 'SIGINT'): void {
    for (const listener of this.#detach) listener(signal);
  }
}

/** Made-up nodes, a real journal on disk, and as many operators, one after the other, as a test wants. */
export class FakeFleet {
  readonly clock: FakeClock;
  readonly kit: FakeKit;
  readonly events: RunEvent[] = [];
  readonly dir: string;
  #journal: Journal | undefined;
  #count = 0;
  #active = 0;

  private constructor(dir: string) {
    this.dir = dir;
    this.clock = new FakeClock(EPOCH, () => this.#active === 0 || (this.#journal?.pending ?? 0) > 0);
    this.kit = new FakeKit(this.clock);
  }

  static async make(nodes: readonly string[]): Promise<FakeFleet> {
    const fleet = new FakeFleet(await mkdtemp(join(scratch, 'edgectl-fleet-')));
    for (const id of nodes) fleet.kit.add(id, { rt: { version: '1.0', digest: OLD } });
    return fleet;
  }

  /** The journal, opened when it is first needed. */
  async journal(file = 'journal.db'): Promise<Journal> {
    this.#journal ??= await openJournal({
      file: join(this.dir, file),
      now: () => this.clock.now(),
      reserveBytes: 0,
      alive: () => false,
    });
    return this.#journal;
  }

  /** Ends the journal as a crash would; the next use opens the same file, or another one. */
  async crash(): Promise<void> {
    await this.#journal?.kill();
    this.#journal = undefined;
  }

  async deps(extra: Partial<ExecutorDeps> = {}): Promise<ExecutorDeps> {
    const bundle = { statement: 'STATEMENT', signature: 'SIGNATURE', size: SIZE };
    return {
      journal: await this.journal(),
      kit: this.kit,
      registry: builtinActions(),
      clock: this.clock,
      randomHex: (bytes) => (this.#count += 1).toString(16).padStart(bytes * 2, '0'),
      controls: new FakeControls(),
      bundles: { [OLD]: bundle, [NEW]: bundle, [NEWER]: bundle },
      sink: (event) => this.events.push(event),
      owner: { owner: 'ana', host: 'laptop' },
      ...extra,
    };
  }

  /**
   * Runs until `dies` says so at a boundary, and then leaves everything as kill -9 would: no call, no timer, no write of that
   * process happens any more. Resolves with its result when it was not killed.
   */
  async runUntil(plan: Plan, dies: BoundaryHook, extra: Partial<ExecutorDeps> = {}): Promise<RunResult | 'killed'> {
    const never = new Promise<never>(() => {});
    let dead = false;
    const deps = await this.deps(extra);
    const killed = new Promise<'killed'>((resolve) => {
      deps.boundary = (point, at) => {
        if (!dead && dies(point, at) === undefined) return undefined;
        dead = true;
        resolve('killed');
        return never;
      };
    });
    deps.kit = { call: async (node, call, signal) => (dead ? never : this.kit.call(node, call, signal)) };
    const clock = this.clock;
    deps.clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      sleep: async (ms, signal) => {
        await clock.sleep(ms, signal);
        if (dead) await never;
      },
    };
    const run = new Executor(plan, deps).run();
    run.catch(() => undefined);
    const end = await this.live(async () => Promise.race([run, killed]));
    if (end === 'killed') await this.crash();
    return end;
  }

  /** Time passes only while somebody runs or waits here, so that what a test arranged beforehand happens within the run. */
  async run(plan: Plan, extra: Partial<ExecutorDeps> = {}): Promise<RunResult> {
    const deps = await this.deps(extra);
    return this.live(async () => new Executor(plan, deps).run());
  }

  /** Lets time pass while `work` is on its way. */
  async live<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#active += 1;
    try {
      return await work();
    } finally {
      this.#active -= 1;
    }
  }

  /** Lets time pass with nobody at work. */
  async elapse(ms: number): Promise<void> {
    await this.live(async () => this.clock.sleep(ms));
  }

  async close(): Promise<void> {
    this.clock.stop();
    await this.crash();
    await rm(this.dir, { recursive: true, force: true });
  }
}
