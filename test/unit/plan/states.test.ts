import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { txStates } from '../../../src/node/types.js';
import { outcomeOfRefusal, outcomeOfSilence, outcomeOfTx } from '../../../src/plan/outcomes.js';
import { summariseRun, type RunEnd } from '../../../src/plan/run-summary.js';
import {
  codeTable,
  exitPrecedence,
  nodeStateRow,
  strongestExit,
  transportTable,
  txTable,
  verdictTable,
  whyTable,
} from '../../../src/plan/states.js';
import { statesPage } from '../../../src/plan/states-page.js';

const docs = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
const end = (counts: RunEnd['counts'], extra: Partial<RunEnd> = {}): RunEnd => ({
  counts,
  lockedOut: 0,
  maxFailed: 0,
  ...extra,
});
const tx = (state: (typeof txStates)[number], why?: string) => ({
  t: 'tx' as const,
  tx: 't',
  run: 'r',
  step: 's',
  state,
  ...(why === undefined ? {} : { why }),
});

describe('the table of states', () => {
  it('has every state that the protocol page names', () => {
    for (const state of txStates) expect(txTable[state], state).toBeDefined();
    const page = docs('reference/node-protocol.md');
    const named = [...page.matchAll(/`([A-Z][A-Z_]{3,})`/g)]
      .map((match) => match[1] ?? '')
      .filter((code) => !(code in txTable) && code !== 'MANIFEST');
    for (const code of named.filter((candidate) => !candidate.startsWith('EDGECTL')))
      expect(codeTable[code], code).toBeDefined();
  });

  it('leads only to node states that it has', () => {
    const rows = [txTable, whyTable, codeTable, verdictTable].flatMap((table) => Object.values(table));
    const silent = Object.values(transportTable).flatMap((row) => [row.before, row.after]);
    for (const row of [...rows, ...silent]) expect(nodeStateRow(row.state)).toBeDefined();
  });

  it('is what docs/concepts/run-states.md says', () => {
    expect(docs('concepts/run-states.md')).toBe(statesPage());
  });

  it.each([
    ['COMMIT', undefined, 'succeeded', false],
    ['REVERTED', 'crash', 'rolled_back', false],
    ['REVERTED', 'power', 'rolled_back', true],
    ['REVERTED', 'deadline', 'rolled_back', true],
    ['ABORT', 'preflight:disk', 'failed', false],
    ['ABORT', 'runner-died', 'failed', true],
    ['ABORT', 'signature', 'refused', false],
    ['ABORT', 'veto', 'blocked', false],
    ['BROKEN', 'health', 'rollback_failed', false],
    ['AWAIT', undefined, 'applying', false],
  ] as const)('takes %s (%s) to %s', (state, why, expected, retryable) => {
    const outcome = outcomeOfTx(tx(state, why));
    expect([outcome.state, outcome.retryable ?? false]).toEqual([expected, retryable]);
  });

  it('calls silence offline before the first changing call and in doubt after it', () => {
    const silence = {
      kind: 'unreachable' as const,
      mayHaveActed: false,
      message: 'm',
      failure: { ok: false as const, kind: 'connect-timeout' as const, message: 'm', sent: false },
    };
    expect(outcomeOfSilence(silence, false).state).toBe('offline');
    expect(outcomeOfSilence(silence, true).state).toBe('in_doubt');
    const stranger = { ...silence, failure: { ...silence.failure, kind: 'host-key-changed' as const } };
    expect(outcomeOfSilence(stranger, true).state).toBe('refused');
  });

  it('does not let a node name its way out of the table', () => {
    expect(outcomeOfRefusal({ code: '__proto__', reason: '' }).state).toBe('failed');
    expect(outcomeOfTx(tx('ABORT', 'constructor')).state).toBe('failed');
  });
});

describe('the exit code of a run', () => {
  it.each([
    [{ succeeded: 3, noop: 1 }, {}, 'succeeded', 0],
    [{ succeeded: 3, offline: 1 }, {}, 'succeeded_with_stragglers', 3],
    [{ succeeded: 3, rolled_back: 1 }, {}, 'succeeded_with_stragglers', 1],
    [{ succeeded: 3, rolled_back: 1 }, { maxFailed: 1 }, 'succeeded_with_stragglers', 0],
    [{ succeeded: 3, rolled_back: 1, offline: 1 }, { maxFailed: 1 }, 'succeeded_with_stragglers', 3],
    [{ failed: 2 }, { maxFailed: 5 }, 'failed', 1],
    [{ refused: 2 }, {}, 'failed', 4],
    [{ refused: 1, offline: 1 }, {}, 'failed', 4],
    [{ refused: 1, succeeded: 999 }, {}, 'succeeded_with_stragglers', 1],
    [{ blocked: 2 }, { lockedOut: 2 }, 'succeeded_with_stragglers', 9],
    [{ superseded: 2, offline: 1 }, { turnedAway: 2 }, 'succeeded_with_stragglers', 4],
    [{ superseded: 2 }, { turnedAway: 1 }, 'succeeded', 8],
    [{ blocked: 2, succeeded: 1 }, { lockedOut: 2 }, 'succeeded_with_stragglers', 3],
    [{ stale: 2 }, {}, 'failed', 8],
    [{ rolled_back: 1, planned: 4 }, { stopped: 'gate' }, 'halted', 5],
    [{ rolled_back: 3 }, { stopped: 'rolled-back' }, 'rolled_back', 7],
    [{ succeeded: 1, planned: 1 }, { stopped: 'paused' }, 'paused', 6],
    [{ succeeded: 1, failed: 1 }, { stopped: 'interrupt' }, 'interrupted', 130],
    [{ succeeded: 1 }, { stopped: 'terminate' }, 'interrupted', 143],
    [{ stale: 1, succeeded: 1 }, { stopped: 'stale' }, 'halted', 8],
    [{ planned: 1 }, { stopped: 'aborted' }, 'aborted', 1],
  ] as const)('for %j %j is %s and %i', (counts, extra, state, exitCode) => {
    expect(summariseRun(end(counts, extra))).toEqual({ state, exitCode });
  });

  it('follows the precedence of the contract', () => {
    expect(exitPrecedence).toEqual([130, 143, 9, 8, 5, 7, 1, 4, 6, 3, 2, 0]);
    expect(strongestExit([0, 3, 1, 4])).toBe(1);
    expect(strongestExit([])).toBe(0);
  });
});
