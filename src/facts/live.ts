import type { NodeClient } from '../node/client.js';
import { verdictOnFailure, type NodeVerdict } from '../node/exit-code.js';
import { firstContact } from '../node/first-contact.js';
import type { Ui } from '../render/ui.js';
import { mapLimit } from '../util/map-limit.js';
import { reasonOf } from './collect.js';
import { supportOf, unprovenSystems, type NodeSupport } from './support.js';

/** What was found of one node, or why nothing was. */
export type LiveRow = { id: string } & (
  ({ ok: true } & NodeSupport) | { ok: false; verdict: NodeVerdict; why: string; message: string }
);

/** Looks at nodes with the script of first contact: unprivileged, whether there is a kit or not. Changes nothing. */
export function lookAt(
  client: Pick<NodeClient, 'runScript'>,
  nodes: readonly string[],
  how: { timeoutMs: number; now: () => number; signal: AbortSignal },
): Promise<LiveRow[]> {
  const { timeoutMs, now, signal } = how;
  const ask = firstContact(client, { timeoutMs, signal });
  return mapLimit(nodes, 256, async (id): Promise<LiveRow> => {
    const answer = await ask(id);
    if (answer.kind === 'ok') return { id, ok: true, ...supportOf(answer.lines, now()) };
    const failure = answer.kind === 'unreachable' ? answer.failure : undefined;
    const verdict = failure === undefined ? 'failed' : verdictOnFailure({ ...failure, sent: false });
    return { id, ok: false, verdict, ...reasonOf(answer) };
  });
}

/** Nodes that are alike together: what they are, what is refused there and why, and what nobody has tried. */
export function liveText(rows: readonly LiveRow[], ui: Ui): string {
  const groups = new Map<string, { row: LiveRow; ids: string[] }>();
  for (const row of rows) {
    const { id, ...rest } = row;
    const key = JSON.stringify(rest).replaceAll(id, 'it');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { row, ids: [id] });
    else group.ids.push(id);
  }
  const lines = [...groups.values()].flatMap(({ row, ids }) => [
    `${ui.theme.strong(ui.fold(ids))}  ${row.ok ? row.system : ui.theme.bad(row.why)}`,
    ...(row.ok ? supportLines(row, ui) : [`  ${row.message}`]),
  ]);
  const missing = unprovenSystems.map(({ name, why }) => `  ${name}: ${why}`);
  return [...lines, '', 'Unproven everywhere:', ...missing].join('\n');
}

function supportLines({ abilities, proof }: NodeSupport, ui: Ui): string[] {
  const tones = { ok: 'good', refused: 'bad', unknown: 'warn' } as const;
  const able = abilities.map(({ what, state, why }) => {
    const reasons = why.length === 0 ? '' : `  ${why.join('; ')}`;
    return `  ${what.padEnd(9)}  ${ui.theme[tones[state]](state)}${reasons}`;
  });
  const word = proof.state === 'tried' ? ui.theme.good('tried') : ui.theme.warn('unproven');
  return [...able, `  ${'proof'.padEnd(9)}  ${word}  ${proof.what}`];
}
