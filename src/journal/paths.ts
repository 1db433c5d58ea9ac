import { dirname, join } from 'node:path';

/** `$XDG_STATE_HOME/edgectl/<fleet id>/journal.db` (XDG Base Directory: `~/.local/state` when unset or relative). */
export function journalFile(fleetId: string, env: Readonly<Record<string, string | undefined>>, home: string): string {
  const configured = env['XDG_STATE_HOME'];
  const base = configured?.startsWith('/') === true ? configured : join(home, '.local', 'state');
  return join(base, 'edgectl', fleetId, 'journal.db');
}

/** `observations.db` beside the journal: what was seen of nodes, with its history. */
export function observationsFile(
  fleetId: string,
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): string {
  return join(dirname(journalFile(fleetId, env, home)), 'observations.db');
}
