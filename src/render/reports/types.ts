import type { NodeState, RunState } from '../../plan/types.js';

/** A run for people and programs that were not there: what `--report` writes. */
export interface ReportedRun {
  run: string;
  fleet: string;
  /** What was called, e.g. `rollout runtime`. */
  command: string;
  state: RunState;
  exitCode: number;
  message: string;
  elapsedMs: number;
  /** RFC 3339, UTC. */
  startedAt: string;
  nodes: readonly ReportedNode[];
  next: readonly { what: string; command: string }[];
}

/** A node of a reported run. Texts are as the node gave them: each format escapes for itself. */
export interface ReportedNode {
  node: string;
  /** Empty for nodes that are in no stage. */
  stage: string;
  state: NodeState;
  message: string;
  why?: string;
  log?: string;
  /** From its first change of state in this execution to its last; 0 when nothing happened to it. */
  elapsedMs: number;
}

/** A command that ended with an error instead of a run. */
export interface ReportedError {
  command: string;
  code: string;
  message: string;
  hint: string | undefined;
  exitCode: number;
}

/** Where reports go. */
export interface ReportRequest {
  /** File for JUnit XML. */
  junit?: string;
  /** Annotations and a step summary for GitHub Actions. */
  github: boolean;
}
