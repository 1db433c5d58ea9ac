import type { NodeState, RunState } from './types.js';
import { nodeStateRow, strongestExit } from './states.js';

/** How many nodes are in each state. */
export type StateCounts = Partial<Record<NodeState, number>>;

/** What the end of a run is judged by. */
export interface RunEnd {
  /** Why the run stopped, when it did not come to its natural end. */
  stopped?:
    'interrupt' | 'terminate' | 'paused' | 'waiting' | 'aborted' | 'gate' | 'gate-abort' | 'stale' | 'rolled-back';
  counts: StateCounts;
  /** Nodes that are `blocked` because another run holds their lease. */
  lockedOut: number;
  /** Nodes that are `superseded` because their own kit refused the slice: they had accepted a newer one. */
  turnedAway?: number;
  /** Failures that the policy tolerates in a run whose gates all passed. */
  maxFailed: number;
}

const stops = {
  interrupt: { state: 'interrupted', exit: 130 },
  terminate: { state: 'interrupted', exit: 143 },
  paused: { state: 'paused', exit: 6 },
  waiting: { state: 'waiting', exit: 6 },
  aborted: { state: 'aborted', exit: 1 },
  gate: { state: 'halted', exit: 5 },
  'gate-abort': { state: 'aborted', exit: 5 },
  stale: { state: 'halted', exit: 8 },
  'rolled-back': { state: 'rolled_back', exit: 7 },
} as const satisfies Record<string, { state: RunState; exit: number }>;

const total = (counts: StateCounts, pick: (state: NodeState) => boolean): number =>
  Object.entries(counts).reduce((sum, [state, count]) => sum + (pick(state as NodeState) ? count : 0), 0);

/** The state and the exit code of a run from its nodes (contract 8 and 9). */
export function summariseRun(end: RunEnd): { state: RunState; exitCode: number } {
  const codes = [...nodeCodes(end), ...wholeRunCodes(end)];
  if (end.stopped !== undefined) {
    const stop = stops[end.stopped];
    // A gate that saw nothing but refusals judged nobody: the reason is the refusal.
    const own = end.stopped === 'gate' && onlyRefused(end.counts) ? [] : [stop.exit];
    return { state: stop.state, exitCode: strongestExit([...codes, ...own]) };
  }
  const succeeded = total(end.counts, (state) => nodeStateRow(state).scored === 'success');
  const failed = total(end.counts, isTrouble);
  const unfinished = total(end.counts, (state) => nodeStateRow(state).exit !== 0);
  const state: RunState =
    failed > 0 && succeeded === 0 ? 'failed' : unfinished > 0 ? 'succeeded_with_stragglers' : 'succeeded';
  return { state, exitCode: strongestExit(codes) };
}

function isTrouble(state: NodeState): boolean {
  return nodeStateRow(state).exit === 1;
}

function nodeCodes(end: RunEnd): number[] {
  const scoredFailures = total(end.counts, (state) => nodeStateRow(state).scored === 'failure');
  const succeeded = total(end.counts, (state) => nodeStateRow(state).scored === 'success');
  const tolerated = end.stopped === undefined && succeeded > 0 && scoredFailures <= end.maxFailed;
  return Object.entries(end.counts)
    .filter(([, count]) => count > 0)
    .map(([state]) => nodeStateRow(state as NodeState))
    .filter((row) => !(tolerated && row.scored === 'failure' && row.state !== 'rollback_failed'))
    .map((row) => (row.state === 'refused' && onlyRefused(end.counts) ? 4 : row.exit));
}

/** Codes that hold only when nothing else was attempted: 4 all refused, 8 all stale, 9 all locked by another run. */
function wholeRunCodes(end: RunEnd): number[] {
  const attempted = total(
    end.counts,
    (state) => !['noop', 'skipped', 'gone', 'late', 'planned', 'offline'].includes(state),
  );
  if (attempted === 0) return [];
  if (end.lockedOut === attempted) return [9];
  // A node that says no to a slice refuses, whatever its reason; one that only was found changed makes the plan stale.
  if ((end.turnedAway ?? 0) > 0 && (end.turnedAway ?? 0) + (end.counts.refused ?? 0) === attempted) return [4];
  if ((end.counts.stale ?? 0) + (end.counts.superseded ?? 0) === attempted) return [8];
  return [];
}

/** True when refusals are all that happened: the run's code is then 4 instead of 1. */
function onlyRefused(counts: StateCounts): boolean {
  const attempted = total(
    counts,
    (state) => !['noop', 'skipped', 'gone', 'late', 'planned', 'offline'].includes(state),
  );
  return attempted > 0 && counts.refused === attempted;
}
