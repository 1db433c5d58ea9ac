import type { RunEvent } from '../executor/events.js';
import type { NodeState, RunState } from '../plan/types.js';
import { stateWords } from './states.js';

/** A node as the events so far tell it. */
export interface NodeView {
  id: string;
  stage: string;
  state: NodeState;
  message: string;
  why: string | undefined;
  log: string | undefined;
  /** Milliseconds since the epoch of the first and of the last change of state. */
  began: number;
  since: number;
  progress: { message: string; passes?: number; needed?: number; bytes?: number; total?: number } | undefined;
}

/** A stage with its counters. */
export interface StageView {
  name: string;
  nodes: number;
  started: boolean;
  gate: 'passed' | 'failed' | 'inconclusive' | undefined;
  gateMessage: string | undefined;
  soakMs: number | undefined;
  counts: Partial<Record<NodeState, number>>;
}

/** How a run ended. */
export interface RunEnd {
  state: RunState;
  exitCode: number;
  message: string;
  /** What goes back by itself on the nodes; empty when nothing is open. */
  open: string;
  counts: Partial<Record<NodeState, number>>;
  elapsedMs: number;
}

const recentKept = 8;
const active: readonly NodeState[] = ['applying', 'in_doubt', 'staged'];

/** What a run looks like: fed with events one by one, each in constant time; reporters draw it. */
export class RunView {
  run = '';
  fleet = '';
  resumed = false;
  /** Milliseconds since the epoch of the first event. */
  startedAt: number | undefined;
  total = 0;
  readonly stages = new Map<string, StageView>();
  readonly nodes = new Map<string, NodeView>();
  /** Nodes that something is happening on, in the order in which it began. */
  readonly busy = new Set<string>();
  /** How often the answer of a node was missing, by node. */
  readonly losses = new Map<string, number>();
  /** What an attempt came to that was followed by another one, by node. */
  readonly setbacks = new Map<string, { attempt: number; message: string }>();
  /** Newest last: what a person should read while it runs. */
  readonly recent: { at: string; text: string; node: string | undefined }[] = [];
  readonly warnings: string[] = [];
  signalled: string | undefined;
  /** Another process works on the run; a signal ends only the looking. */
  watching = false;
  end: RunEnd | undefined;

  /** Takes one event in. */
  apply(event: RunEvent): void {
    const at = Date.parse(event.at);
    this.startedAt ??= at;
    this.run = event.run;
    switch (event.type) {
      case 'run-started':
        this.fleet = event.fleet;
        this.resumed = event.resumed;
        this.total = event.nodes;
        for (const stage of event.stages) this.#stage(stage.name).nodes = stage.nodes;
        return;
      case 'stage-started': {
        const stage = this.#stage(event.stage);
        stage.started = true;
        stage.nodes = Math.max(stage.nodes, event.nodes.length);
        return;
      }
      case 'node-state':
        this.#move(event, at);
        return;
      case 'step-started':
        this.busy.add(event.node);
        return;
      case 'step-progress': {
        const node = this.nodes.get(event.node);
        const { message, passes, needed, bytes, total } = event;
        if (node) {
          node.progress = {
            message,
            ...(passes === undefined ? {} : { passes }),
            ...(needed === undefined ? {} : { needed }),
            ...(bytes === undefined ? {} : { bytes }),
            ...(total === undefined ? {} : { total }),
          };
        }
        return;
      }
      case 'step-finished': {
        const node = this.nodes.get(event.node);
        if (node) node.progress = undefined;
        if (event.outcome.kind === 'failed')
          this.setbacks.set(event.node, { attempt: event.attempt, message: event.outcome.message });
        if (node && !active.includes(node.state)) this.busy.delete(event.node);
        return;
      }
      case 'gate': {
        const stage = this.#stage(event.stage);
        stage.gate = event.verdict;
        stage.gateMessage = event.message;
        this.#remember(event.at, `gate of ${event.stage} ${event.verdict}: ${event.message}`);
        return;
      }
      case 'soak':
        this.#stage(event.stage).soakMs = event.ms;
        return;
      case 'signal':
        this.signalled = event.message;
        this.#remember(event.at, event.message);
        return;
      case 'warning':
        this.warnings.push(event.message);
        this.#remember(event.at, event.message, event.node);
        return;
      case 'run-finished': {
        const { state, exitCode, message, open, counts, elapsedMs } = event;
        this.end = { state, exitCode, message, open, counts, elapsedMs };
        this.busy.clear();
      }
    }
  }

  /** Nodes in one of some states, over all stages. */
  count(...states: readonly NodeState[]): number {
    let sum = 0;
    for (const stage of this.stages.values()) for (const state of states) sum += stage.counts[state] ?? 0;
    return sum;
  }

  #stage(name: string): StageView {
    let stage = this.stages.get(name);
    if (!stage) {
      stage = {
        name,
        nodes: 0,
        started: false,
        gate: undefined,
        gateMessage: undefined,
        soakMs: undefined,
        counts: {},
      };
      this.stages.set(name, stage);
    }
    return stage;
  }

  #move(event: Extract<RunEvent, { type: 'node-state' }>, at: number): void {
    const known = this.nodes.get(event.node);
    if (known) {
      const left = this.#stage(known.stage).counts;
      left[known.state] = Math.max(0, (left[known.state] ?? 0) - 1);
    }
    const entered = this.#stage(event.stage).counts;
    entered[event.to] = (entered[event.to] ?? 0) + 1;
    const { node: id, stage, to: state, message, why, log } = event;
    const began = known?.began ?? at;
    if (state === 'in_doubt' && known?.state !== 'in_doubt') this.losses.set(id, (this.losses.get(id) ?? 0) + 1);
    this.nodes.set(id, { id, stage, state, message, why, log, began, since: at, progress: undefined });
    if (active.includes(state)) this.busy.add(id);
    else this.busy.delete(id);
    const words = stateWords[state];
    if (words.tone === 'bad' || words.tone === 'warn') this.#remember(event.at, `${words.word}: ${message}`, id);
    else if (event.from === 'offline' || event.from === 'blocked')
      this.#remember(event.at, `came back, ${message}`, id);
  }

  #remember(at: string, text: string, node?: string): void {
    this.recent.push({ at, text, node });
    if (this.recent.length > recentKept) this.recent.shift();
  }
}
