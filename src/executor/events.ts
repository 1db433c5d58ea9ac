import type { NodeState, Outcome, RunState } from '../plan/types.js';

interface Base {
  /** RFC 3339, UTC. */
  at: string;
  run: string;
}

/** Everything that an execution says. Workers emit; one reporter draws. */
export type RunEvent =
  | (Base & {
      type: 'run-started';
      fleet: string;
      plan: string;
      resumed: boolean;
      nodes: number;
      stages: { name: string; nodes: number }[];
    })
  | (Base & { type: 'stage-started'; stage: string; nodes: string[] })
  | (Base & {
      type: 'node-state';
      node: string;
      stage: string;
      from: NodeState;
      to: NodeState;
      message: string;
      why?: string;
      log?: string;
    })
  | (Base & { type: 'step-started'; node: string; step: string; action: string; attempt: number })
  | (Base & {
      type: 'step-progress';
      node: string;
      step: string;
      message: string;
      passes?: number;
      needed?: number;
      bytes?: number;
      total?: number;
    })
  | (Base & { type: 'step-finished'; node: string; step: string; action: string; attempt: number; outcome: Outcome })
  | (Base & {
      type: 'gate';
      stage: string;
      passed: boolean;
      verdict: 'passed' | 'failed' | 'inconclusive';
      succeeded: number;
      failed: number;
      scored: number;
      message: string;
    })
  | (Base & { type: 'soak'; stage: string; ms: number })
  | (Base & { type: 'signal'; signal: string; inFlight: number; message: string })
  | (Base & { type: 'warning'; message: string; node?: string })
  | (Base & {
      type: 'run-finished';
      state: RunState;
      exitCode: number;
      message: string;
      /** What goes back by itself on nodes that nobody watches any more; empty when nothing is open. */
      open: string;
      counts: Partial<Record<NodeState, number>>;
      elapsedMs: number;
    });

/** Receives events in order. */
export type EventSink = (event: RunEvent) => void;
