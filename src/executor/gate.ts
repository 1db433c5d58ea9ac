import { nodeStateRow } from '../plan/states.js';
import type { NodeState, PlanStage } from '../plan/types.js';

/** What a gate says. Only `passed` lets a run go on to its next stage. */
export interface Verdict {
  verdict: 'passed' | 'failed' | 'inconclusive';
  succeeded: number;
  failed: number;
  scored: number;
  message: string;
}

/** Below this many scored nodes a percentage means little, and `maxFailed` decides (contract 11). */
export const SMALL_SAMPLE = 20;

/**
 * Judges a stage by the states of its nodes. Denominator: succeeded + failed + timed_out + rolled_back (and the states that
 * count like them); offline, blocked and left-out nodes are not in it, and offline ones have a ceiling of their own.
 */
export function judge(stage: PlanStage, states: readonly NodeState[]): Verdict {
  const tally = count(states);
  const base = { succeeded: tally.succeeded, failed: tally.failed, scored: tally.scored };
  if (states.includes('in_doubt')) return { ...base, verdict: 'inconclusive', message: 'nodes are in doubt' };
  if (tally.offline > stage.offline.max && stage.offline.mode !== 'skip') {
    return {
      ...base,
      verdict: 'failed',
      message: `${tally.offline} nodes are offline, at most ${stage.offline.max} may be`,
    };
  }
  if (tally.candidates === 0) return { ...base, verdict: 'passed', message: 'no node had anything to do' };
  const needed = Math.max(1, Math.min(stage.gate.minSample, tally.candidates));
  if (tally.failed > allowedFailures(stage, tally.scored)) {
    return { ...base, verdict: 'failed', message: `${tally.failed} of ${tally.scored} nodes failed` };
  }
  if (tally.scored < needed) {
    return { ...base, verdict: 'inconclusive', message: `${tally.scored} nodes could be judged, ${needed} are needed` };
  }
  const failed = tally.failed > 0 ? `, ${tally.failed} failed, which this gate allows` : '';
  return { ...base, verdict: 'passed', message: `${tally.succeeded} of ${tally.scored} nodes succeeded${failed}` };
}

/** True as soon as the gate can no longer pass, so that no further node is put at risk. */
export function cannotPass(stage: PlanStage, states: readonly NodeState[]): boolean {
  const tally = count(states);
  if (tally.offline > stage.offline.max && stage.offline.mode !== 'skip') return true;
  return tally.failed > allowedFailures(stage, Math.max(tally.scored, tally.candidates - tally.absent));
}

function allowedFailures(stage: PlanStage, scored: number): number {
  // The rounding guard keeps 10 % of 30 at 3, which floating point would make 2.
  return scored < SMALL_SAMPLE ? stage.gate.maxFailed : Math.floor(scored * (1 - stage.gate.success) + 1e-9);
}

function count(states: readonly NodeState[]) {
  const tally = { succeeded: 0, failed: 0, scored: 0, offline: 0, absent: 0, candidates: 0 };
  for (const state of states) {
    const row = nodeStateRow(state);
    if (row.scored !== 'no') tally.scored += 1;
    if (row.scored === 'success') tally.succeeded += 1;
    if (row.scored === 'failure') tally.failed += 1;
    if (state === 'offline') tally.offline += 1;
    if (row.scored === 'no' && state !== 'planned' && state !== 'applying' && state !== 'staged') tally.absent += 1;
    if (!NOT_CANDIDATES.has(state)) tally.candidates += 1;
  }
  return tally;
}

/** They had nothing to do here, so a stage of only them has nothing to judge. */
const NOT_CANDIDATES: ReadonlySet<NodeState> = new Set(['noop', 'skipped', 'gone', 'superseded']);
