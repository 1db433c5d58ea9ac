import type { NodeState } from '../plan/types.js';

/** How people read a node state. */
export interface StateWords {
  /** In counters and at the start of a line. */
  word: string;
  tone: 'good' | 'bad' | 'warn' | 'dim' | 'accent';
  /** Order in summaries; what asks most for attention comes first. */
  rank: number;
}

/** Words for every node state. */
export const stateWords: Readonly<Record<NodeState, StateWords>> = {
  rollback_failed: { word: 'broken', tone: 'bad', rank: 0 },
  in_doubt: { word: 'in doubt', tone: 'bad', rank: 1 },
  failed: { word: 'failed', tone: 'bad', rank: 2 },
  timed_out: { word: 'timed out', tone: 'bad', rank: 3 },
  refused: { word: 'refused', tone: 'bad', rank: 4 },
  rolled_back: { word: 'reverted', tone: 'warn', rank: 5 },
  reverted_later: { word: 'fell back', tone: 'warn', rank: 6 },
  stale: { word: 'stale', tone: 'warn', rank: 7 },
  offline: { word: 'deferred', tone: 'warn', rank: 8 },
  blocked: { word: 'blocked', tone: 'warn', rank: 9 },
  late: { word: 'late', tone: 'warn', rank: 10 },
  superseded: { word: 'superseded', tone: 'dim', rank: 11 },
  skipped: { word: 'skipped', tone: 'dim', rank: 12 },
  gone: { word: 'gone', tone: 'dim', rank: 13 },
  applying: { word: 'in trial', tone: 'accent', rank: 14 },
  soaking: { word: 'soaking', tone: 'accent', rank: 15 },
  staged: { word: 'staged', tone: 'accent', rank: 16 },
  planned: { word: 'waiting', tone: 'dim', rank: 17 },
  succeeded: { word: 'ok', tone: 'good', rank: 18 },
  noop: { word: 'as it should be', tone: 'good', rank: 19 },
};

/** The word of a state; a veto is a kind of being blocked that people know by its own name. */
export function wordOf(state: NodeState, why?: string): string {
  return state === 'blocked' && why === 'veto' ? 'vetoed' : stateWords[state].word;
}

/** States in which nothing more will happen in this pass. */
export const settled: ReadonlySet<NodeState> = new Set<NodeState>([
  'offline',
  'blocked',
  'succeeded',
  'noop',
  'failed',
  'refused',
  'timed_out',
  'stale',
  'superseded',
  'rolled_back',
  'reverted_later',
  'rollback_failed',
  'skipped',
  'late',
  'gone',
]);
