import { describe, expect, it } from 'vitest';
import { exitCodeOf, verdictOnFailure } from '../../../src/node/exit-code.js';

describe('the exit code of a command over many nodes', () => {
  it.each([
    [['ok', 'ok'], 0],
    [['ok', 'unreachable'], 3],
    [['refused'], 4],
    [['refused', 'unreachable'], 4],
    [['ok', 'refused'], 1],
    [['ok', 'failed', 'unreachable'], 1],
    [['failed', 'refused'], 1],
  ] as const)('of %j is %i', (verdicts, code) => {
    expect(exitCodeOf([...verdicts])).toBe(code);
  });

  it('does not call a command that may have run unreachable', () => {
    expect(verdictOnFailure({ kind: 'closed', sent: true })).toBe('failed');
    expect(verdictOnFailure({ kind: 'closed', sent: false })).toBe('unreachable');
    expect(verdictOnFailure({ kind: 'command-timeout', sent: true })).toBe('failed');
    expect(verdictOnFailure({ kind: 'host-key-changed', sent: false })).toBe('refused');
  });
});
