import { outcomeOfRow } from '../plan/outcomes.js';
import { nodeStateRow, verdictTable } from '../plan/states.js';
import type { NodeState, PlanNode, PlanStage } from '../plan/types.js';
import { Budget } from './budget.js';
import { cannotPass, judge, type Verdict } from './gate.js';
import { NodeRun, type NodeEnd } from './node-run.js';
import { Ramp } from './ramp.js';
import type { RunScope } from './run-scope.js';
import { settleSoak } from './soak.js';
import { Wakeup } from './wakeup.js';

/** How a stage ended; `cut` when something stopped it before every node had its turn. */
export interface StageEnd {
  verdict: Verdict;
  cut: boolean;
}

/** One stage: the first node alone, then the others under ramp, concurrency and budget; its gate; its soak. */
export class StageRun {
  readonly #scope: RunScope;
  readonly #stage: PlanStage;
  readonly #budget: Budget;
  readonly #ramp: Ramp;
  readonly #wakeup = new Wakeup();
  readonly #over = new AbortController();
  readonly #pending: PlanNode[];
  #inFlight = 0;
  #firstLeft: number;
  #lastSuccess: number | undefined;
  #late = false;

  constructor(scope: RunScope, stage: PlanStage) {
    this.#scope = scope;
    this.#stage = stage;
    const nodes = stage.nodes.flatMap((id) => scope.nodes.get(id) ?? []);
    this.#budget = new Budget(stage.budget, nodes);
    this.#ramp = new Ramp(stage);
    this.#pending = nodes.filter((node) => this.#hasTurn(node));
    const done = nodes.filter((node) => isGood(scope.recorder.state(node.id))).length;
    this.#firstLeft = Math.max(0, stage.first - done);
  }

  async run(): Promise<StageEnd> {
    const { recorder, deps, plan, stopper } = this.#scope;
    recorder.emit({ type: 'stage-started', stage: this.#stage.name, nodes: this.#pending.map((node) => node.id) });
    await deps.journal.runs.setStage(plan.id, {
      stage: this.#stage.name,
      state: 'running',
      lastSuccessAt: null,
      gate: null,
    });
    stopper.drainSignal.addEventListener('abort', () => this.#wakeup.wake(), { once: true });
    void this.#watchProgress();
    await this.#schedule();
    this.#over.abort();
    const cut = stopper.draining && this.#pending.length > 0;
    if (!stopper.draining) await this.#outOfBudget();
    let verdict = this.#verdict();
    if (verdict.verdict === 'passed' && !stopper.draining) verdict = await this.#soak(verdict);
    await this.#say(verdict, cut);
    return { verdict, cut: cut || (stopper.draining && verdict.verdict !== 'passed') };
  }

  async #schedule(): Promise<void> {
    for (;;) {
      while (this.#mayStart()) {
        const index = this.#pending.findIndex((node) => this.#budget.mayTake(node.id));
        const [node] = index < 0 ? [] : this.#pending.splice(index, 1);
        if (node === undefined) break;
        this.#start(node);
      }
      if (this.#inFlight === 0) return;
      await this.#wakeup.wait();
    }
  }

  #mayStart(): boolean {
    if (this.#pending.length === 0 || this.#scope.stopper.draining || this.#late) return false;
    if (this.#inFlight >= (this.#firstLeft > 0 ? 1 : this.#ramp.limit)) return false;
    return !cannotPass(this.#stage, this.#states());
  }

  #start(node: PlanNode): void {
    this.#inFlight += 1;
    this.#budget.take(node.id);
    new NodeRun(this.#scope, node, this.#stage)
      .run()
      .then((end) => this.#ended(node, end))
      .catch((error: unknown) => this.#scope.stopper.fail(error as Error))
      .finally(() => {
        this.#inFlight -= 1;
        this.#wakeup.wake();
      });
  }

  #ended(node: PlanNode, end: NodeEnd): void {
    this.#budget.settle(node.id, end.state, end.reachable);
    if (isGood(end.state)) {
      this.#firstLeft = Math.max(0, this.#firstLeft - 1);
      this.#ramp.succeeded();
      if (end.state !== 'noop') this.#lastSuccess = this.#scope.deps.clock.monotonic();
    } else if (nodeStateRow(end.state).scored === 'failure') this.#ramp.failed();
    const stale = this.#scope.recorder.counts().stale ?? 0;
    if (stale > this.#scope.plan.policy.maxStale) this.#scope.stopper.stop('stale');
  }

  /** No success for too long: nothing new is started. Each success begins the time anew. */
  async #watchProgress(): Promise<void> {
    const { clock } = this.#scope.deps;
    const began = clock.monotonic();
    while (!this.#over.signal.aborted && this.#stage.progressDeadlineMs > 0) {
      const left = (this.#lastSuccess ?? began) + this.#stage.progressDeadlineMs - clock.monotonic();
      if (left <= 0) {
        this.#late = true;
        this.#scope.recorder.emit({
          type: 'warning',
          message: `stage ${this.#stage.name}: no success for ${this.#stage.progressDeadlineMs / 1000} s`,
        });
        this.#wakeup.wake();
        return;
      }
      await clock.sleep(left, this.#over.signal);
    }
  }

  /** Nodes that never had a turn because failed ones hold every slot of their group. */
  async #outOfBudget(): Promise<void> {
    if (this.#late || cannotPass(this.#stage, this.#states())) return;
    for (const node of this.#pending.splice(0)) {
      await this.#scope.recorder.settle(node.id, outcomeOfRow(verdictTable.budget, { why: 'budget' }));
    }
  }

  #verdict(): Verdict {
    const verdict = judge(this.#stage, this.#states());
    if (!this.#late || this.#pending.length === 0) return verdict;
    return {
      ...verdict,
      verdict: 'failed',
      message: `the progress deadline passed with ${this.#pending.length} nodes to go`,
    };
  }

  /** Counts from the last success of the stage; nodes that fall back meanwhile count as failed. */
  async #soak(verdict: Verdict): Promise<Verdict> {
    const { recorder, deps, plan, stopper } = this.#scope;
    const soaking = this.#stage.nodes.filter((id) => recorder.state(id) === 'soaking');
    if (soaking.length === 0) return verdict;
    const left = this.#stage.soakMs - (deps.clock.monotonic() - (this.#lastSuccess ?? deps.clock.monotonic()));
    const lastSuccessAt = new Date(deps.clock.now()).toISOString();
    await deps.journal.runs.setStage(plan.id, {
      stage: this.#stage.name,
      state: 'soaking',
      lastSuccessAt,
      gate: verdict.message,
    });
    recorder.emit({ type: 'soak', stage: this.#stage.name, ms: Math.max(0, left) });
    await deps.clock.sleep(Math.max(0, left), stopper.drainSignal);
    if (stopper.draining) return { ...verdict, verdict: 'inconclusive', message: 'stopped while soaking' };
    await settleSoak(this.#scope, soaking);
    return judge(this.#stage, this.#states());
  }

  async #say(verdict: Verdict, cut: boolean): Promise<void> {
    const { recorder, deps, plan } = this.#scope;
    const passed = verdict.verdict === 'passed';
    if (!cut) recorder.emit({ type: 'gate', stage: this.#stage.name, passed, ...verdict });
    const state = passed ? 'passed' : 'failed';
    const lastSuccessAt = this.#lastSuccess === undefined ? null : new Date(deps.clock.now()).toISOString();
    await deps.journal.runs.setStage(plan.id, {
      stage: this.#stage.name,
      state: cut ? 'running' : state,
      lastSuccessAt,
      gate: verdict.message,
    });
  }

  #states(): NodeState[] {
    return this.#stage.nodes.map((id) => this.#scope.recorder.state(id));
  }

  /** Has it anything to do in this execution? What is final is not touched again, unless a person asks. */
  #hasTurn(node: PlanNode): boolean {
    const state = this.#scope.recorder.state(node.id);
    if (this.#scope.deps.retry?.has(node.id) === true) return !isGood(state);
    if (state === 'soaking' || nodeStateRow(state).final) return false;
    return this.#scope.asksAbsent || node.skip === undefined;
  }
}

function isGood(state: NodeState): boolean {
  return state === 'noop' || nodeStateRow(state).scored === 'success';
}
