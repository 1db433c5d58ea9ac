import type { Action, ActionContext, ActionRequest } from '../actions/types.js';
import { EdgectlError } from '../errors/error.js';
import type { AttemptRecord } from '../journal/attempts.js';
import type { KitAnswer, KitCall } from '../node/types.js';
import { outcomeOfRow } from '../plan/outcomes.js';
import { verdictTable } from '../plan/states.js';
import type { Outcome, Step } from '../plan/types.js';
import type { NodeLease } from './node-lease.js';
import { cross, trialMs, type RunScope } from './run-scope.js';

/** Talks to one node: aborted by the node deadline and by detaching. */
export type NodeCaller = (call: KitCall) => Promise<KitAnswer>;

/** What one step needs beyond the scope. */
export interface StepSetting {
  call: NodeCaller;
  lease: NodeLease;
  /** Aborted at the node deadline or when we detach. */
  signal: AbortSignal;
}

/** One attempt at one step: intent, conversation, questions while in doubt, result. */
export class StepRun {
  readonly #scope: RunScope;
  readonly #setting: StepSetting;
  readonly #step: Step;
  readonly #attempt: number;
  readonly #action: Action;

  constructor(scope: RunScope, setting: StepSetting, step: Step, attempt: number) {
    this.#scope = scope;
    this.#setting = setting;
    this.#step = step;
    this.#attempt = attempt;
    const action = scope.deps.registry.get(step.action);
    if (action === undefined)
      throw new EdgectlError('PLAN_INVALID', { message: `There is no action ${step.action} in this edgectl.` });
    this.#action = action;
  }

  /** The outcome; `timed_out` and `cancelled` ones leave the attempt open, so that the node is asked again on resume. */
  async run(): Promise<Outcome> {
    const known = this.#record(this.#step.seq);
    if (known?.outcome != null && isConcluded(known.outcome)) return known.outcome;
    if (known === undefined) await this.#intend();
    const { node, id, action } = this.#step;
    this.#scope.recorder.emit({ type: 'step-started', node, step: id, action, attempt: this.#attempt });
    const outcome = await this.#resolve(known === undefined ? await this.#perform() : await this.#ask());
    if (isConcluded(outcome)) await this.#conclude(outcome);
    this.#scope.recorder.emit({ type: 'step-finished', node, step: id, action, attempt: this.#attempt, outcome });
    return outcome;
  }

  /** Asks again and again while the node may have acted and has not said so. */
  async #resolve(first: Outcome): Promise<Outcome> {
    let outcome = first;
    for (let turn = 0; outcome.kind === 'unreachable' && outcome.state === 'in_doubt'; turn += 1) {
      if (this.#scope.stopper.detached) return { ...outcome, kind: 'cancelled' };
      if (this.#setting.signal.aborted)
        return outcomeOfRow(verdictTable.deadline, { why: 'deadline', message: outcome.message });
      await this.#scope.recorder.settle(this.#step.node, outcome);
      const longest = longestPause(this.#scope, this.#step.node, 30_000);
      await this.#scope.deps.clock.sleep(Math.min(2000 * 2 ** turn, longest), this.#setting.signal);
      if (!this.#setting.signal.aborted) outcome = await this.#ask();
    }
    return outcome;
  }

  async #ask(): Promise<Outcome> {
    return (await this.#drive(this.#action.reattach(this.#context()))) ?? (await this.#perform());
  }

  async #perform(): Promise<Outcome> {
    return this.#drive(this.#action.perform(this.#context()));
  }

  async #drive<Result>(talk: Generator<ActionRequest, Result, KitAnswer | undefined>): Promise<Result> {
    let next = talk.next();
    while (next.done !== true) {
      const request = next.value;
      next = talk.next('call' in request ? await this.#call(request.call) : this.#progress(request.progress));
    }
    return next.value;
  }

  async #call(call: KitCall): Promise<KitAnswer> {
    const { node, action } = this.#step;
    const { clock } = this.#scope.deps;
    const at = { node, action, verb: call.verb };
    await this.#setting.lease.keep();
    if (call.verb === 'run') this.#scope.trials.assume(node, clock.monotonic() + trialMs(this.#scope.plan));
    const answering = this.#setting.call(call);
    await cross(this.#scope, 'after-send', at);
    const answer = await answering;
    await cross(this.#scope, 'after-answer', at);
    // Until its first answer it is as it was; from here on a transaction is open there, and everybody who looks shall see that.
    if (call.verb === 'run' && answer.kind === 'ok' && this.#scope.recorder.state(node) !== 'applying')
      await this.#scope.recorder.move(node, 'applying', { message: 'its trial has begun' });
    this.#scope.trials.hear(node, answer, clock.monotonic(), trialMs(this.#scope.plan));
    return answer;
  }

  #progress(progress: Extract<ActionRequest, { progress: unknown }>['progress']): undefined {
    const { node, id } = this.#step;
    this.#scope.recorder.emit({
      type: 'step-progress',
      node,
      step: id,
      needed: this.#scope.plan.health.passes,
      ...progress,
    });
  }

  async #intend(): Promise<void> {
    const { node, seq, action } = this.#step;
    const at = { node, action };
    const record = {
      node,
      seq,
      attempt: this.#attempt,
      action,
      wireId: this.#wireId(this.#step.seq),
      nonce: this.#scope.deps.randomHex(32),
    };
    await cross(this.#scope, 'before-intent', at);
    await this.#scope.deps.journal.attempts.intend(this.#scope.plan.id, record);
    remember(this.#scope, { ...record, intentAt: '', resultAt: null, outcome: null });
    await cross(this.#scope, 'after-intent', at);
  }

  async #conclude(outcome: Outcome): Promise<void> {
    const { node, seq, action } = this.#step;
    await cross(this.#scope, 'before-result', { node, action });
    await this.#scope.deps.journal.attempts.conclude(
      this.#scope.plan.id,
      { node, seq, attempt: this.#attempt },
      outcome,
    );
    const record = this.#record(seq);
    if (record !== undefined) record.outcome = outcome;
    await cross(this.#scope, 'after-result', { node, action });
  }

  /** A step with `args.of` speaks about the transaction of that other step: same wire id, same nonce. */
  #context(): ActionContext {
    const { plan, deps, tree } = this.#scope;
    const { node } = this.#step;
    const of = this.#step.args['of'];
    const subject = (this.#scope.steps.get(node) ?? []).find((step) => step.id === of) ?? this.#step;
    const record = this.#record(subject.seq);
    return {
      run: plan.id,
      step: this.#step,
      wireId: record?.wireId ?? this.#wireId(subject.seq),
      attempt: this.#attempt,
      token: this.#setting.lease.token,
      nonce: record?.nonce ?? '',
      authority: {
        slice: plan.slices[node] ?? '',
        proof: tree?.proof(node) ?? '',
        statement: plan.authority?.statement ?? '',
        signature: plan.authority?.signature ?? '',
      },
      bundles: deps.bundles,
    };
  }

  #wireId(seq: number): string {
    return `${this.#scope.plan.id}/${this.#step.node}/${seq}/${this.#attempt}`;
  }

  #record(seq: number): AttemptRecord | undefined {
    return (this.#scope.attempts.get(this.#step.node) ?? []).find(
      (record) => record.seq === seq && record.attempt === this.#attempt,
    );
  }
}

/** Is there nothing more to ask about this attempt? */
export function isConcluded(outcome: Outcome): boolean {
  return outcome.kind !== 'unreachable' && outcome.kind !== 'cancelled' && outcome.state !== 'timed_out';
}

/** Adds an attempt to what this execution knows. */
export function remember(scope: RunScope, record: AttemptRecord): void {
  const records = scope.attempts.get(record.node) ?? [];
  records.push(record);
  scope.attempts.set(record.node, records);
}

/** Milliseconds until a silent node is asked again, at most. */
export function longestPause(scope: RunScope, node: string, usual: number): number {
  return scope.deps.callsHome?.(node) === true ? 3000 : usual;
}
