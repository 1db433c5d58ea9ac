import { lookAt, type LiveRow } from '../facts/live.js';
import type { Fleet } from '../fleet/types.js';
import { chosenNodes } from '../node/chosen-nodes.js';
import { exitCodeOf } from '../node/exit-code.js';
import { openNodes } from '../node/open.js';

/** Looks at the nodes of a fleet, or at those of a selector, and says what can be done with each. Throws like `chosenNodes`. */
export async function lookLive(
  fleet: Fleet,
  how: {
    env: Readonly<Record<string, string | undefined>>;
    on: string | undefined;
    /** Instead of the fleet's login, which nodes may not have yet. */
    login: string | undefined;
    now: () => number;
    signal: AbortSignal;
  },
): Promise<{ rows: LiveRow[]; exitCode: number; refused: boolean }> {
  const nodes = chosenNodes(fleet, { names: [], on: how.on, emptyMeansAll: true }).map(({ id }) => id);
  const { now, signal, login, env } = how;
  const asked =
    login === undefined ? fleet : { ...fleet, nodes: fleet.nodes.map((node) => ({ ...node, user: login })) };
  const { client, close } = openNodes(asked, { env });
  const rows = await lookAt(client, nodes, { timeoutMs: 60_000, now, signal }).finally(close);
  const refused = rows.some((row) => row.ok && row.abilities.some(({ state }) => state === 'refused'));
  return { rows, refused, exitCode: exitCodeOf(rows.map((row) => (row.ok ? 'ok' : row.verdict))) };
}
