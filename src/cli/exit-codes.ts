/** One row of the documented exit-code table. */
export interface ExitCodeRow {
  code: number;
  meaning: string;
}

/** Every exit code that edgectl uses, the same with and without `--json`. */
export const exitCodes: readonly ExitCodeRow[] = [
  { code: 0, meaning: 'done, or nothing to do' },
  { code: 1, meaning: 'failed' },
  { code: 2, meaning: 'changes or drift present (only with `--detailed-exitcode`)' },
  { code: 3, meaning: 'done except unreachable or deferred nodes; resumable' },
  { code: 4, meaning: 'refused: authentication, host key, signature, permission' },
  { code: 5, meaning: 'halted by a gate' },
  { code: 6, meaning: 'waiting: approval, window, paused' },
  { code: 7, meaning: 'rolled back' },
  { code: 8, meaning: 'saved plan is stale or expired' },
  { code: 9, meaning: 'someone else holds the lease' },
  { code: 64, meaning: 'usage: the command line or a file of the fleet repository has an error' },
  { code: 130, meaning: 'interrupted (Ctrl-C), state saved, resumable' },
  { code: 143, meaning: 'ended by SIGTERM or SIGHUP, state saved, resumable' },
];
