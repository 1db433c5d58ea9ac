import { EdgectlError } from '../errors/error.js';
import type { AttemptRecord } from '../journal/attempts.js';
import { LEASE_HEARTBEAT_MS, type HeldLease } from '../journal/leases.js';
import type { RunRecord } from '../journal/runs.js';
import { MerkleTree } from '../plan/merkle.js';
import { summariseRun, type RunEnd } from '../plan/run-summary.js';
import { reasonOf } from '../plan/outcomes.js';
import type { Plan, Step } from '../plan/types.js';
import { rebuildFromNodes } from './rebuild.js';
import { Recorder } from './recorder.js';
import { rollBack } from './roll-back.js';
import type { RunScope } from './run-scope.js';
import { StageRun, type StageEnd } from './stage-run.js';
import { Stopper } from './stopper.js';
import { closingSentence } from './closing.js';
import { OpenTrials } from './trials.js';
import type { ExecutorDeps, RunResult } from './types.js';

/** Carries a plan out, or goes on with it: the run id is the plan's, so applying a plan twice is resuming it. Prints nothing. */
export class Executor {
  readonly #plan: Plan;
  readonly #deps: ExecutorDeps;

  constructor(plan: Plan, deps: ExecutorDeps) {
    this.#plan = plan;
    this.#deps = deps;
  }

  /**
   * Runs to an end or to a halt. Throws only the operator's errors: PLAN_EXPIRED, PLAN_DIGEST, RUN_STATE, LEASE_HELD (this
   * journal's), JOURNAL_*; whatever nodes do is in the result.
   */
  async run(): Promise<RunResult> {
    const known = await this.#deps.journal.runs.get(this.#plan.id);
    if (known !== undefined) this.#checkKnown(known);
    const learned = known === undefined ? await this.#learnIfExpired() : false;
    const lease = await this.#deps.journal.leases.take(`run ${this.#plan.id}`);
    const over = new AbortController();
    try {
      const scope = await this.#begin(known !== undefined || learned);
      void this.#heartbeat(scope, lease, over.signal);
      return await this.#carryOut(scope);
    } finally {
      over.abort();
      await this.#deps.journal.leases.release(lease).catch(() => undefined);
    }
  }

  #checkKnown(known: RunRecord): void {
    if (known.planDigest !== this.#plan.digest) {
      throw new EdgectlError('PLAN_DIGEST', {
        message: `Run ${known.id} was started with another plan (${known.planDigest.slice(0, 12)}).`,
      });
    }
    if (known.state === 'aborted' || known.state === 'rolled_back') {
      throw new EdgectlError('RUN_STATE', {
        message: `Run ${known.id} is ${known.state}; it is not taken up again.`,
        hint: 'make a new plan',
      });
    }
  }

  /** `validUntil` bounds the start only: a run that the nodes know was started in time, by another journal. */
  async #learnIfExpired(): Promise<boolean> {
    if (this.#deps.clock.now() <= Date.parse(this.#plan.validUntil)) return false;
    const learned = await rebuildFromNodes(this.#plan, this.#deps);
    if (learned.known > 0) return true;
    throw new EdgectlError('PLAN_EXPIRED', {
      message: `The plan could be started until ${this.#plan.validUntil}, and no node has begun it.`,
      hint: 'make the plan again',
    });
  }

  async #begin(resumed: boolean): Promise<RunScope> {
    const { journal, clock, sink, controls } = this.#deps;
    const plan = this.#plan;
    await journal.runs.create(plan);
    await journal.runs.setState(plan.id, 'running');
    const [seq, attempts, amendments, nodes] = await Promise.all([
      journal.events.last(plan.id),
      journal.attempts.list(plan.id),
      journal.attempts.amendments(plan.id, plan.digest),
      journal.runs.nodes(plan.id),
    ]);
    const recorder = new Recorder(plan, journal, clock, sink, seq);
    for (const { node, stage, state, message, why, log } of nodes) {
      recorder.recall({
        node,
        stage,
        state,
        message,
        ...(why === null ? {} : { why }),
        ...(log === null ? {} : { log }),
      });
    }
    const trials = new OpenTrials();
    const stopper = new Stopper(controls, (signal, hard) => {
      const open = trials.sentence(clock.monotonic());
      const message = hard
        ? `detached; ${open === '' ? 'nothing is open on the nodes' : open}`
        : `${signal}: no new step starts, ${trials.size} in trial finish first; a second ${signal} leaves at once`;
      recorder.emit({ type: 'signal', signal, inFlight: trials.size, message });
    });
    return {
      plan,
      deps: this.#deps,
      recorder,
      stopper,
      trials,
      tree: Object.keys(plan.slices).length === 0 ? null : new MerkleTree(plan.slices),
      nodes: new Map(plan.nodes.map((node) => [node.id, node])),
      steps: stepsByNode(plan, amendments),
      attempts: attemptsByNode(attempts),
      resumed,
      asksAbsent: resumed || this.#deps.plannedNow !== true,
    };
  }

  async #carryOut(scope: RunScope): Promise<RunResult> {
    const { recorder, deps, plan } = scope;
    const began = deps.clock.monotonic();
    const stages = plan.stages.map((stage) => ({ name: stage.name, nodes: stage.nodes.length }));
    recorder.emit({
      type: 'run-started',
      fleet: plan.fleet.name,
      plan: plan.digest,
      resumed: scope.resumed,
      nodes: plan.nodes.length,
      stages,
    });
    await this.#placeLeftOut(scope);
    const stopped = await this.#stages(scope);
    return this.#finish(scope, stopped, began);
  }

  /** Nodes that the plan leaves out of the first pass stand where the plan says; those without a stage have nothing to do. */
  async #placeLeftOut(scope: RunScope): Promise<void> {
    for (const node of scope.plan.nodes) {
      if (scope.recorder.state(node.id) !== 'planned') continue;
      if (node.skip !== undefined && node.stage !== null && scope.asksAbsent) continue;
      if (node.skip !== undefined && !scope.resumed) {
        await scope.recorder.move(node.id, node.skip.state, reasonOf(node.skip.why));
      } else if (node.stage === null) {
        await scope.recorder.move(node.id, node.skip?.state ?? 'noop', { message: node.skip?.why ?? 'nothing to do' });
      }
    }
  }

  async #stages(scope: RunScope): Promise<RunEnd['stopped']> {
    const { plan, stopper } = scope;
    for (const [index, stage] of plan.stages.entries()) {
      if (stopper.draining) return stopper.reason;
      const end = await new StageRun(scope, stage).run();
      if (stopper.reason === 'stale') return 'stale';
      if (end.cut) return stopper.reason ?? 'interrupt';
      const isLast = plan.stages.slice(index + 1).every((later) => later.nodes.length === 0);
      const stopped = await this.#gate(scope, end, stage.gate.onFail, isLast);
      if (stopped !== undefined) return stopped;
    }
    return undefined;
  }

  async #gate(scope: RunScope, end: StageEnd, onFail: string, isLast: boolean): Promise<RunEnd['stopped']> {
    if (end.verdict.verdict === 'passed') return undefined;
    // Inconclusive holds nothing back when nothing comes after it: the nodes themselves say what is left to do.
    if (end.verdict.verdict === 'inconclusive') return isLast ? undefined : 'gate';
    if (onFail === 'abort') return 'gate-abort';
    if (onFail === 'rollback' && (await rollBack(scope, (plan) => new Executor(plan, this.#deps).run())))
      return 'rolled-back';
    return 'gate';
  }

  async #finish(scope: RunScope, stopped: RunEnd['stopped'], began: number): Promise<RunResult> {
    const { recorder, deps, plan, stopper } = scope;
    const counts = recorder.counts();
    const nodes = recorder.all();
    const lockedOut = nodes.filter((node) => node.state === 'blocked' && node.why === 'lock').length;
    const turnedAway = nodes.filter((node) => node.state === 'superseded' && node.why === 'SUPERSEDED').length;
    const { state, exitCode } = summariseRun({
      counts,
      lockedOut,
      turnedAway,
      maxFailed: plan.policy.maxFailed,
      ...(stopped === undefined ? {} : { stopped }),
    });
    const elapsedMs = deps.clock.monotonic() - began;
    const open = scope.trials.sentence(deps.clock.monotonic());
    const message = closingSentence(state, counts, open);
    recorder.emit({ type: 'run-finished', state, exitCode, message, open, counts, elapsedMs });
    await recorder.flush();
    await deps.journal.runs.setState(plan.id, state, { exitCode, message });
    if (stopper.error !== undefined) throw stopper.error;
    return { run: plan.id, state, exitCode, message, counts, nodes, elapsedMs };
  }

  /** Says that we live, and hears whether another process asked for an end or took the run over. */
  async #heartbeat(scope: RunScope, lease: HeldLease, over: AbortSignal): Promise<void> {
    const { journal, clock } = this.#deps;
    for (;;) {
      await clock.sleep(LEASE_HEARTBEAT_MS, over);
      if (over.aborted) return;
      try {
        if (!(await journal.leases.renew(lease))) {
          scope.stopper.seize(
            new EdgectlError('LEASE_HELD', { message: `Run ${this.#plan.id} was taken over by another process.` }),
          );
          return;
        }
        const request = (await journal.runs.get(this.#plan.id))?.request;
        if (request != null) scope.stopper.stop(request === 'pause' ? 'paused' : 'aborted');
      } catch (error) {
        if (!over.aborted) scope.stopper.fail(error as Error);
        return;
      }
    }
  }
}

/**
 * Goes on with a run that the journal knows. Throws RUN_NOT_FOUND.
 * @public
 */
export async function resumeRun(run: string, deps: ExecutorDeps): Promise<RunResult> {
  const plan = await deps.journal.runs.plan(run);
  if (plan === undefined)
    throw new EdgectlError('RUN_NOT_FOUND', {
      message: `The journal knows no run ${run}.`,
      hint: 'edgectl apply PLAN_FILE asks the nodes and goes on',
    });
  return new Executor(plan, deps).run();
}

/** Ends a run for good. A process that works on it hears of it and drains; else its state is set at once. */
export async function abortRun(run: string, deps: Pick<ExecutorDeps, 'journal'>): Promise<'asked' | 'aborted'> {
  const known = await deps.journal.runs.get(run);
  if (known === undefined) throw new EdgectlError('RUN_NOT_FOUND', { message: `The journal knows no run ${run}.` });
  const holder = await deps.journal.leases.holder(`run ${run}`);
  if (holder !== undefined && !holder.stale) {
    await deps.journal.runs.request(run, 'abort');
    return 'asked';
  }
  await deps.journal.runs.setState(run, 'aborted', { exitCode: 1, message: 'aborted' });
  return 'aborted';
}

function stepsByNode(plan: Plan, amendments: ReadonlyMap<string, Step[]>): Map<string, Step[]> {
  const steps = new Map<string, Step[]>(amendments);
  for (const step of plan.steps) {
    const own = steps.get(step.node);
    if (own === undefined) steps.set(step.node, [step]);
    else own.push(step);
  }
  for (const own of steps.values()) own.sort((left, right) => left.seq - right.seq);
  return steps;
}

function attemptsByNode(records: readonly AttemptRecord[]): Map<string, AttemptRecord[]> {
  const attempts = new Map<string, AttemptRecord[]>();
  for (const record of records) attempts.set(record.node, [...(attempts.get(record.node) ?? []), record]);
  return attempts;
}
