import type { Journal } from '../journal/journal.js';
import type { StateCounts } from '../plan/run-summary.js';
import type { NodeState, Outcome, Plan } from '../plan/types.js';
import type { RunClock } from './clock.js';
import type { EventSink, RunEvent } from './events.js';
import type { NodeResult } from './types.js';

type Body<Event> = Event extends RunEvent ? Omit<Event, 'at' | 'run'> : never;

/** Says what happens: to the sink at once, to the journal in order; and knows the state of every node. */
export class Recorder {
  readonly #plan: Plan;
  readonly #journal: Journal;
  readonly #clock: RunClock;
  readonly #sink: EventSink;
  readonly #nodes = new Map<string, NodeResult>();
  #seq: number;
  #trouble: Error | undefined;
  #written: Promise<unknown> = Promise.resolve();

  /** `seq` is the number of the last event that an earlier execution of this run has journaled. */
  constructor(plan: Plan, journal: Journal, clock: RunClock, sink: EventSink, seq: number) {
    this.#plan = plan;
    this.#journal = journal;
    this.#clock = clock;
    this.#sink = sink;
    this.#seq = seq;
    for (const node of plan.nodes) {
      this.#nodes.set(node.id, { node: node.id, stage: node.stage ?? '', state: 'planned', message: '' });
    }
  }

  /** Emits an event. Progress is for the eye only and not kept. */
  emit(body: Body<RunEvent>): void {
    const event = { ...body, at: new Date(this.#clock.now()).toISOString(), run: this.#plan.id } as RunEvent;
    this.#sink(event);
    if (event.type === 'step-progress') return;
    this.#seq += 1;
    const record = { seq: this.#seq, at: event.at, type: event.type, body: JSON.stringify(event) };
    this.#keep(this.#journal.events.append(this.#plan.id, record));
  }

  /** Sets a node's state without an event: what an earlier execution has found. */
  recall(result: NodeResult): void {
    this.#nodes.set(result.node, result);
  }

  /** Moves a node to another state, durably; resolves when that is written. */
  async move(node: string, to: NodeState, words: { message: string; why?: string; log?: string }): Promise<void> {
    const before = this.get(node);
    const after: NodeResult = { node, stage: before.stage, state: to, ...words };
    this.#nodes.set(node, after);
    if (before.state !== to || before.why !== words.why) {
      this.emit({ type: 'node-state', node, stage: before.stage, from: before.state, to, ...words });
    }
    const { stage, message } = after;
    const record = { node, stage, state: to, why: words.why ?? null, message, log: words.log ?? null };
    await this.#journal.runs.setNode(this.#plan.id, record);
  }

  /** Moves a node to where an outcome leads. */
  async settle(node: string, outcome: Outcome): Promise<NodeState> {
    const { message, why, log } = outcome;
    await this.move(node, outcome.state, {
      message,
      ...(why === undefined ? {} : { why }),
      ...(log === undefined ? {} : { log }),
    });
    return outcome.state;
  }

  get(node: string): NodeResult {
    return this.#nodes.get(node) ?? { node, stage: '', state: 'planned', message: '' };
  }

  state(node: string): NodeState {
    return this.get(node).state;
  }

  all(): NodeResult[] {
    return [...this.#nodes.values()];
  }

  counts(): StateCounts {
    const counts: StateCounts = {};
    for (const { state } of this.#nodes.values()) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
  }

  /** Waits until every event is durable; throws the first failure to write one. */
  async flush(): Promise<void> {
    await this.#written;
    if (this.#trouble !== undefined) throw this.#trouble;
  }

  #keep(writing: Promise<unknown>): void {
    // Appends resolve in order, so the newest one stands for all before it.
    this.#written = writing.catch((error: unknown) => {
      this.#trouble ??= error as Error;
    });
  }
}
