import type { NodeState, RunState } from '../../plan/types.js';
import type { RunView } from '../run-view.js';
import type { ReportedRun } from './types.js';

/** What an execution came to, as the executor hands it back. */
export interface Result {
  run: string;
  state: RunState;
  exitCode: number;
  message: string;
  elapsedMs: number;
  nodes: readonly { node: string; stage: string; state: NodeState; message: string; why?: string; log?: string }[];
}

/** Puts result and events together for the reports. Every node of the run is in it, also those that an earlier execution has finished. */
export function reportedRun(result: Result, view: RunView, about: Pick<ReportedRun, 'command' | 'next'>): ReportedRun {
  const { run, state, exitCode, message, elapsedMs } = result;
  const startedAt = new Date(view.startedAt ?? 0).toISOString();
  const nodes = result.nodes.map((node) => {
    const seen = view.nodes.get(node.node);
    return { ...node, elapsedMs: seen === undefined ? 0 : seen.since - seen.began };
  });
  return { ...about, run, fleet: view.fleet, state, exitCode, message, elapsedMs, startedAt, nodes };
}
