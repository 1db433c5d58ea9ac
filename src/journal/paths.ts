import { join } from 'node:path';

/** `$XDG_STATE_HOME/edgectl/<fleet id>/journal.db` (XDG Base Directory: `~/.local/state` when unset or relative). */
export function journalFile(fleetId: string, env: Readonly<Record<string, string | undefined>>, home: string): string {
  const configured = env['XDG_STATE_HOME'];
  const base = configured?.startsWith('/') === true ? configured : join(home, '.local', 'state');
  return join(base, 'edgectl', fleetId, 'journal.db');
}
