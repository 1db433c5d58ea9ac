import type { KitAnswer, KitCall } from '../node/types.js';
import { outcomeOfRow } from '../plan/outcomes.js';
import { verdictTable } from '../plan/states.js';
import type { NodeState, Outcome, PlanNode, PlanStage, Step } from '../plan/types.js';
import { Contact } from './contact.js';
import { NodeLease } from './node-lease.js';
import type { RunScope } from './run-scope.js';
import { isConcluded, longestPause, StepRun, type StepSetting } from './step-run.js';

/** Attempts of one transaction that are made without being asked for, the first included (contract 3). */
export const MAX_ATTEMPTS = 3;

/** A node's deadline when its stage names none; nothing waits for ever. */
const DEFAULT_DEADLINE_MS = 3_600_000;

/** Where a node stands after its turn. */
export interface NodeEnd {
  state: NodeState;
  reachable: boolean;
}

/** One node's turn: contact, lease, its steps in order, and what becomes of them. */
export class NodeRun {
  readonly #scope: RunScope;
  readonly #node: PlanNode;
  readonly #stage: PlanStage;
  readonly #deadline = new AbortController();
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  readonly #lease: NodeLease;
  #reachable = false;
  #everReached = false;

  constructor(scope: RunScope, node: PlanNode, stage: PlanStage) {
    this.#scope = scope;
    this.#node = node;
    this.#stage = stage;
    this.#signal = AbortSignal.any([this.#deadline.signal, scope.stopper.detachSignal]);
    const { clock, owner } = scope.deps;
    this.#lease = new NodeLease(
      scope.plan.id,
      owner,
      async (call) => this.#call(call),
      () => clock.monotonic(),
    );
  }

  /** Never throws for what a node does; throws for the operator's own errors (a full disk under the journal, a bug). */
  async run(): Promise<NodeEnd> {
    void this.#watchDeadline();
    try {
      const outcome = this.#finish(await this.#tries());
      const state = await this.#scope.recorder.settle(this.#node.id, outcome);
      if (state !== 'in_doubt' && state !== 'applying' && !this.#scope.stopper.detached) await this.#lease.release();
      return { state, reachable: this.#reachable };
    } finally {
      this.#over.abort();
    }
  }

  /** Contact and steps; again while the stage waits for offline nodes. */
  async #tries(): Promise<Outcome> {
    for (let turn = 0; ; turn += 1) {
      const outcome = await this.#once();
      const waits = outcome.state === 'offline' && this.#stage.offline.mode === 'wait';
      const doubts = outcome.kind === 'unreachable' && outcome.state === 'in_doubt';
      if (doubts && this.#deadline.signal.aborted)
        return outcomeOfRow(verdictTable.deadline, { why: 'deadline', message: outcome.message });
      if (!(waits || doubts) || this.#signal.aborted || (waits && this.#scope.stopper.draining)) return outcome;
      await this.#scope.recorder.settle(this.#node.id, outcome);
      const pause = Math.min(5000 * 2 ** turn, longestPause(this.#scope, this.#node.id, 60_000));
      await this.#scope.deps.clock.sleep(
        pause,
        waits ? AbortSignal.any([this.#signal, this.#scope.stopper.drainSignal]) : this.#signal,
      );
    }
  }

  /** What the journal already has of every step: a crash came between the last result and the node's state. */
  #concluded(): Outcome | undefined {
    const steps = this.#scope.steps.get(this.#node.id) ?? [];
    const records = this.#scope.attempts.get(this.#node.id) ?? [];
    const ends = steps.map((step) => records.filter((record) => record.seq === step.seq).at(-1)?.outcome);
    const good = ends.every((outcome) => outcome?.kind === 'ok' || outcome?.kind === 'changed');
    return good ? (ends.at(-1) ?? undefined) : undefined;
  }

  async #once(): Promise<Outcome> {
    const concluded = this.#concluded();
    if (concluded !== undefined) return concluded;
    const contact = new Contact(this.#scope, this.#node, async (call) => this.#call(call), this.#lease);
    const met = await contact.run();
    return met ?? this.#steps();
  }

  async #steps(): Promise<Outcome> {
    const steps = this.#scope.steps.get(this.#node.id) ?? [];
    let last: Outcome = outcomeOfRow(verdictTable.noop, {});
    let attempt = this.#firstAttempt(steps);
    for (let index = 0; index < steps.length;) {
      const step = steps[index] as Step;
      if (this.#mayNotStart(step, attempt)) return this.#standing();
      const outcome = await new StepRun(
        this.#scope,
        this.#setting(),
        step,
        this.#isGrouped(steps, step) ? attempt : this.#attemptAlone(step),
      ).run();
      if (outcome.kind === 'ok' || outcome.kind === 'changed') {
        last = outcome;
        index += 1;
        // What the last one leads to depends on the soak of the stage: the turn's end says it.
        if (index < steps.length) await this.#scope.recorder.settle(this.#node.id, outcome);
        continue;
      }
      if (!this.#mayRetry(outcome, attempt)) return outcome;
      attempt += 1;
      index = steps.findIndex((candidate) => this.#isGrouped(steps, candidate));
      await this.#announceRetry(outcome, attempt);
    }
    return last;
  }

  #mayRetry(outcome: Outcome, attempt: number): boolean {
    return (
      outcome.retryable === true && attempt < MAX_ATTEMPTS && !this.#signal.aborted && !this.#scope.stopper.draining
    );
  }

  async #announceRetry(outcome: Outcome, attempt: number): Promise<void> {
    const message = `attempt ${attempt} of ${MAX_ATTEMPTS} follows: ${outcome.message}`;
    this.#scope.recorder.emit({ type: 'warning', node: this.#node.id, message });
    await this.#scope.deps.clock.sleep(3000 * (attempt - 1), this.#signal);
  }

  /** The attempt to begin or go on with: a new one after an end that may be tried again, or when a person asked for it. */
  #firstAttempt(steps: readonly Step[]): number {
    const grouped = new Set(steps.filter((step) => this.#isGrouped(steps, step)).map((step) => step.seq));
    const records = (this.#scope.attempts.get(this.#node.id) ?? []).filter((record) => grouped.has(record.seq));
    const newest = Math.max(1, ...records.map((record) => record.attempt));
    const ends = records.flatMap((record) =>
      record.attempt === newest && record.outcome !== null ? [record.outcome] : [],
    );
    const failed = ends.find((outcome) => isConcluded(outcome) && outcome.kind !== 'ok' && outcome.kind !== 'changed');
    if (failed === undefined) return newest;
    const asked = this.#scope.deps.retry?.has(this.#node.id) === true;
    const again = asked || failed.state === 'blocked' || (failed.retryable === true && newest < MAX_ATTEMPTS);
    return again ? newest + 1 : newest;
  }

  /** Staging is repeated when a person asks for the node again: what stopped it (a full disk) may be gone. */
  #attemptAlone(step: Step): number {
    const records = (this.#scope.attempts.get(this.#node.id) ?? []).filter((record) => record.seq === step.seq);
    const newest = Math.max(1, ...records.map((record) => record.attempt));
    const end = records.find((record) => record.attempt === newest)?.outcome;
    const failed = end != null && isConcluded(end) && end.kind !== 'ok' && end.kind !== 'changed';
    return failed && this.#scope.deps.retry?.has(this.#node.id) === true ? newest + 1 : newest;
  }

  /** Everything but staging belongs to the node's one transaction and is tried again together. */
  #isGrouped(steps: readonly Step[], step: Step): boolean {
    const changing = this.#scope.deps.registry.get(step.action)?.changing === true;
    return changing || steps.some((other) => other.args['of'] === step.id);
  }

  /** While draining only a transaction that is already open is carried to its end. */
  #mayNotStart(step: Step, attempt: number): boolean {
    if (!this.#scope.stopper.draining) return false;
    const of = step.args['of'];
    const begun = (this.#scope.attempts.get(this.#node.id) ?? []).some(
      (record) => record.attempt === attempt && (record.seq === step.seq || `${record.node}/${record.seq}` === of),
    );
    return !begun;
  }

  #standing(): Outcome {
    const { state, message } = this.#scope.recorder.get(this.#node.id);
    return { kind: 'cancelled', state, message };
  }

  /** A cancelled outcome leaves the node in the state that it is in; offline is what the stage makes of it. */
  #finish(outcome: Outcome): Outcome {
    if (this.#scope.stopper.detached && outcome.kind === 'cancelled') return this.#standing();
    if (outcome.kind === 'cancelled' && this.#deadline.signal.aborted) {
      if (this.#everReached) return outcomeOfRow(verdictTable.deadline, { why: 'deadline' });
      return this.#finish({
        kind: 'unreachable',
        state: 'offline',
        message: 'no answer before its deadline',
        why: 'deadline',
      });
    }
    if (outcome.state === 'succeeded' && this.#stage.soakMs > 0) return { ...outcome, state: 'soaking' };
    if (outcome.state !== 'offline') return outcome;
    const words = { why: outcome.why, message: outcome.message };
    if (this.#stage.offline.mode === 'fail') return outcomeOfRow(verdictTable['offline-fail'], words);
    if (this.#stage.offline.mode === 'skip') return outcomeOfRow(verdictTable['offline-skip'], words);
    return outcome;
  }

  #setting(): StepSetting {
    return { call: async (call) => this.#call(call), lease: this.#lease, signal: this.#signal };
  }

  async #call(call: KitCall): Promise<KitAnswer> {
    const answer = await this.#scope.deps.kit.call(this.#node.id, call, this.#signal);
    this.#reachable = answer.kind === 'ok' || answer.kind === 'refused';
    this.#everReached ||= this.#reachable;
    return answer;
  }

  /** The node deadline counts from the beginning of its turn and nothing resets it. */
  async #watchDeadline(): Promise<void> {
    await this.#scope.deps.clock.sleep(this.#stage.nodeDeadlineMs || DEFAULT_DEADLINE_MS, this.#over.signal);
    if (!this.#over.signal.aborted) this.#deadline.abort();
  }
}
