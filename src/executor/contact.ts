import { txOf } from '../actions/runtime/answers.js';
import { compileSteps } from '../actions/runtime/compile.js';
import { outcomeOfRefusal, outcomeOfRow, outcomeOfSilence, outcomeOfTx } from '../plan/outcomes.js';
import { verdictTable } from '../plan/states.js';
import type { Outcome, PlanNode } from '../plan/types.js';
import type { KitAnswer, KitLine } from '../node/types.js';
import type { NodeLease } from './node-lease.js';
import type { Observed, SeenTransaction } from './observed.js';
import { fingerprint, newerCommit, newestTransaction, observe } from './observed.js';
import type { RunScope } from './run-scope.js';
import { remember, type NodeCaller } from './step-run.js';

/** First words with a node in this execution: what it has, what it knows of this run, and whether it may be worked on. */
export class Contact {
  readonly #scope: RunScope;
  readonly #node: PlanNode;
  readonly #call: NodeCaller;
  readonly #lease: NodeLease;

  constructor(scope: RunScope, node: PlanNode, call: NodeCaller, lease: NodeLease) {
    this.#scope = scope;
    this.#node = node;
    this.#call = call;
    this.#lease = lease;
  }

  /** Null when the node's steps may begin or go on; else where the node stands. */
  async run(): Promise<Outcome | null> {
    const { plan } = this.#scope;
    const answer = await this.#call({ verb: 'status', fields: { run: plan.id }, timeoutMs: 60_000 });
    const open = this.#hasOpenAttempt();
    if (plan.kind === 'prepare' || plan.kind === 'unprepare') return this.#withOrWithoutKit(answer, open);
    if (answer.kind === 'refused') return this.#refusedAtFirst(outcomeOfRefusal(answer), open);
    if (answer.kind !== 'ok') return outcomeOfSilence(answer, open);
    const verdict = await this.#judge(answer.lines);
    if (verdict !== null) return verdict;
    const leased = await this.#lease.take();
    if (leased !== null) return leased;
    return this.#reclaim(newestTransaction(answer.lines, plan.id, this.#node.id));
  }

  /**
   * A preparation brings the kit or takes it away, so what the node answers is no condition, however broken; only silence is. A kit that
   * works gives its lease like to any run, which keeps two runs apart; without one nobody else can work on the node either.
   */
  async #withOrWithoutKit(answer: KitAnswer, open: boolean): Promise<Outcome | null> {
    if (answer.kind === 'unreachable') return outcomeOfSilence(answer, open);
    if (answer.kind !== 'ok') return null;
    const leased = await this.#lease.take();
    return leased === null || (leased.state !== 'blocked' && leased.kind !== 'unreachable') ? null : leased;
  }

  /** A node without a kit is refused, except when this run may have taken it away. */
  #refusedAtFirst(outcome: Outcome, open: boolean): Outcome | null {
    return this.#scope.plan.kind === 'eject' && open && outcome.why === 'NO_KIT' ? null : outcome;
  }

  async #judge(lines: readonly KitLine[]): Promise<Outcome | null> {
    const { plan } = this.#scope;
    if (plan.kind === 'eject' || plan.kind === 'undeny' || plan.kind === 'gc') return null;
    const seen = newestTransaction(lines, plan.id, this.#node.id);
    if (this.#hasOpenAttempt()) return null;
    if (seen?.tx.state === 'COMMIT') return outcomeOfTx(seen.tx);
    if (seen !== undefined && !isEnded(seen)) return null;
    const observed: Observed = observe(lines) ?? { components: {}, adopted: new Set() };
    const print = fingerprint(this.#node, observed);
    if (print === 'after') return outcomeOfRow(verdictTable.noop, {});
    if (print === 'neither') return this.#neither(observed);
    return this.#compile(observed);
  }

  /** A node that is unlike the plan on both sides: a newer run’s work, or somebody else’s. */
  async #neither(observed: Observed): Promise<Outcome> {
    const answer = await this.#call({ verb: 'status', fields: {}, timeoutMs: 60_000 });
    const newer = answer.kind === 'ok' ? newerCommit(answer.lines, this.#scope.plan.id) : undefined;
    if (newer !== undefined)
      return outcomeOfRow(verdictTable.superseded, {
        why: 'superseded',
        message: `run ${newer} committed there since`,
      });
    const found = Object.keys(this.#node.expectAfter).map(
      (name) => `${name} is ${observed.components[name]?.slice(0, 12) ?? 'absent'}`,
    );
    return outcomeOfRow(verdictTable.stale, {
      why: 'fingerprint',
      message: `${verdictTable.stale.meaning}: ${found.join(', ')}`,
    });
  }

  /** Steps of a node that was not seen at plan time: compiled now, journaled as an amendment before they are used. */
  async #compile(observed: Observed): Promise<Outcome | null> {
    const { plan, steps, deps, recorder } = this.#scope;
    const node = this.#node;
    if ((steps.get(node.id) ?? []).length > 0) return null;
    const compiled = compileSteps({ kind: plan.kind, node, actual: observed.components, health: plan.health });
    if (compiled.length === 0) return outcomeOfRow(verdictTable.noop, {});
    await deps.journal.attempts.amend(plan.id, plan.digest, node.id, compiled);
    steps.set(node.id, compiled);
    recorder.emit({
      type: 'warning',
      node: node.id,
      message: `seen for the first time: ${compiled.length} steps compiled for it`,
    });
    return null;
  }

  /**
   * A transaction of this run that our journal does not know, or whose nonce another journal held: it cannot be confirmed from here.
   * An open one is sent back, which costs nothing that was committed, and a new attempt follows.
   */
  async #reclaim(seen: SeenTransaction | undefined): Promise<Outcome | null> {
    if (seen === undefined) return null;
    const { plan, deps, steps, attempts } = this.#scope;
    const node = this.#node.id;
    const known = (attempts.get(node) ?? []).find(
      (record) => record.seq === seen.seq && record.attempt === seen.attempt,
    );
    if (known !== undefined && known.nonce !== '') return null;
    if ((steps.get(node) ?? []).length === 0) {
      const compiled = compileSteps({ kind: plan.kind, node: this.#node, actual: null, health: plan.health });
      await deps.journal.attempts.amend(plan.id, plan.digest, node, compiled);
      steps.set(node, compiled);
    }
    const outcome = await this.#sendBack(seen);
    if (outcome === null || outcome.kind === 'changed') return outcome;
    if (outcome.kind === 'unreachable') return outcome;
    const action = steps.get(node)?.find((step) => step.seq === seen.seq)?.action ?? 'runtime.trial';
    const record = { node, seq: seen.seq, attempt: seen.attempt, action, wireId: seen.tx.step, nonce: '' };
    await deps.journal.attempts.intend(plan.id, record);
    await deps.journal.attempts.conclude(plan.id, record, outcome);
    remember(this.#scope, { ...record, intentAt: '', resultAt: null, outcome });
    return null;
  }

  async #sendBack(seen: SeenTransaction): Promise<Outcome | null> {
    let tx = seen.tx;
    if (isEnded(seen)) return outcomeOfTx(tx);
    const { plan, deps, stopper } = this.#scope;
    const asked = { run: plan.id, step: tx.step };
    const back = await this.#call({
      verb: 'revert',
      fields: { ...asked, token: String(this.#lease.token) },
      timeoutMs: 120_000,
    });
    if (back.kind === 'ok') tx = txOf(back.lines, tx.step) ?? tx;
    for (let turn = 0; turn < 60 && !stopper.draining; turn += 1) {
      if (['COMMIT', 'ABORT', 'REVERTED', 'BROKEN'].includes(tx.state)) {
        const outcome = outcomeOfTx(tx);
        return outcome.state === 'rolled_back' ? { ...outcome, retryable: true } : outcome;
      }
      await deps.clock.sleep(turn === 0 ? 0 : 1000, stopper.drainSignal);
      const answer = await this.#call({
        verb: 'status',
        fields: { ...asked, since: tx.state, wait: '20' },
        timeoutMs: 80_000,
      });
      if (answer.kind === 'refused') return outcomeOfRefusal(answer);
      if (answer.kind !== 'ok') return outcomeOfSilence(answer, true);
      tx = txOf(answer.lines, tx.step) ?? tx;
    }
    return {
      kind: 'unreachable',
      state: 'in_doubt',
      message: 'a trial of an earlier session has not ended yet',
      why: 'unsettled',
    };
  }

  #hasOpenAttempt(): boolean {
    const actions = this.#scope.deps.registry;
    return (this.#scope.attempts.get(this.#node.id) ?? []).some(
      (record) => record.outcome === null && record.nonce !== '' && actions.get(record.action)?.changing === true,
    );
  }
}

function isEnded(seen: SeenTransaction): boolean {
  return ['COMMIT', 'ABORT', 'REVERTED', 'BROKEN'].includes(seen.tx.state);
}
