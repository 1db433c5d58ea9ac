import type { AttestEnd } from '../operations/secrets/attest-nodes.js';
import type { AuditEnd } from '../operations/secrets/audit-nodes.js';
import type { EnrollEnd } from '../operations/secrets/enroll.js';
import type { SecretRow } from '../operations/secrets/list-secrets.js';
import type { NodeEnd } from '../operations/secrets/node-desk.js';
import type { PushEnd } from '../operations/secrets/push-secrets.js';
import type { SetResult } from '../operations/secrets/set-secret.js';
import type { SecretEntry } from '../secrets/store.js';
import { oneLine } from '../util/escape.js';
import type { Ui } from './ui.js';
import { age } from './units.js';

/** How enrolling went. The software class is never shown like the others: it is weaker. */
export function enrollText(ends: readonly EnrollEnd[], ui: Ui): string {
  const rows = ends.map((end) => [
    end.node,
    end.class === undefined ? verdict(end, ui) : end.class === 'software' ? ui.theme.warn('software') : end.class,
    end.message === undefined ? (end.maker ?? '') : oneLine(end.message),
    end.ekHash === undefined ? '' : end.ekHash.slice(0, 16),
  ]);
  const done = ends.filter((end) => end.verdict === 'ok').length;
  const next = done > 0 ? ' Commit enrolled/ and trust/.' : '';
  return `${ui.table(['node', 'class', 'maker or reason', 'endorsement key'], rows)}\n\n${done} of ${ends.length} enrolled.${next}`;
}

/** What nodes proved now. */
export function attestText(ends: readonly AttestEnd[], ui: Ui): string {
  const rows = ends.map((end) => [end.node, end.class ?? '', attested(end, ui)]);
  return ui.table(['node', 'class', 'what it booted'], rows);
}

function attested(end: AttestEnd, ui: Ui): string {
  if (end.verdict !== 'ok') return `${verdict(end, ui)} ${oneLine(end.message ?? '')}`;
  const changed = end.changed ?? [];
  if (changed.length === 0) return ui.theme.good('as approved');
  const what = `PCR ${changed.join(', ')} ${changed.length === 1 ? 'differs' : 'differ'}`;
  return end.approved === true ? `${what}, approved now` : ui.theme.warn(`${what}: its secrets stay closed`);
}

/** What a new generation came to, and the next step. */
export function setText(set: SetResult, ui: Ui): string {
  const lines = [`${ui.theme.good(set.name)} generation ${set.generation}`];
  if (set.sealed.length > 0) lines.push(`  sealed for ${set.sealed.length}: ${ui.fold(set.sealed)}`);
  if (set.revoked.length > 0) lines.push(`  taken from ${set.revoked.length}: ${ui.fold(set.revoked)}`);
  for (const { node, why } of set.left.slice(0, 5)) lines.push(ui.theme.warn(`  not for ${node}: ${why}`));
  if (set.left.length > 5) lines.push(ui.theme.warn(`  and not for ${set.left.length - 5} more`));
  return [...lines, '', 'Commit secrets/ and enrolled/, then: edgectl secret push --all'].join('\n');
}

/** How delivering or verifying went. */
export function pushText(ends: readonly PushEnd[], ui: Ui): string {
  if (ends.length === 0) return 'No secret is due on these nodes.';
  const rows = ends.map((end) => {
    const has = Object.entries(end.secrets);
    const closed = has.filter(([, one]) => !one.opens).map(([name, one]) => `${name}: ${oneLine(one.why)}`);
    const what =
      end.verdict !== 'ok'
        ? oneLine(end.message ?? '')
        : closed.length > 0
          ? ui.theme.bad(`closed: ${closed.join('; ')}`)
          : `${has.length} open`;
    return [end.node, verdict(end, ui), end.delivered.join(', '), what];
  });
  const absent = ends.filter((end) => end.verdict === 'unreachable').map((end) => end.node);
  const rest =
    absent.length === 0 ? '' : `\n\nOut of reach: ${ui.fold(absent)}. The same command delivers the rest later.`;
  return `${ui.table(['node', '', 'delivered', ''], rows)}${rest}`;
}

/** Secrets by node. */
export function listText(rows: readonly SecretRow[], ui: Ui, now: number): string {
  if (rows.length === 0) return 'No secrets.';
  const cells = rows.map((row) => [
    row.secret,
    row.node,
    row.class === 'software' ? ui.theme.warn(row.class) : row.class,
    String(row.due),
    String(row.delivered),
    row.state === 'proven' ? ui.theme.good(row.state) : ui.theme.warn(row.state),
    row.at === undefined ? 'never' : age(now - Date.parse(row.at)),
    oneLine(row.why ?? ''),
  ]);
  return ui.table(['secret', 'node', 'class', 'due', 'has', 'state', 'said', ''], cells);
}

/** A secret without its value. */
export function entryText(entry: SecretEntry): string {
  return [
    `${entry.name}  generation ${entry.generation}, ${entry.state}, set ${entry.setAt}`,
    `  for      ${entry.for}`,
    `  units    ${entry.units.join(', ') || 'none: only as a file'}`,
    `  file     /run/edgectl/secrets/${entry.name}, ${entry.owner}, ${entry.mode}`,
    `  require  ${entry.require}`,
  ].join('\n');
}

function verdict(end: NodeEnd, ui: Ui): string {
  return end.verdict === 'ok' ? ui.theme.good('ok') : ui.theme.bad(end.verdict);
}

/** What nodes wrote down, a line an entry; a fault of the chain comes last. */
export function auditText(ends: readonly AuditEnd[], ui: Ui): string {
  const rows = ends.flatMap(({ node, entries }) =>
    entries.map((entry) => [
      node,
      ...['what', 'name', 'generation', 'detail', 'up'].map((key) => oneLine(String(entry[key] ?? ''), 80)),
    ]),
  );
  const faults = ends
    .filter((end) => end.verdict !== 'ok')
    .map((end) => `${verdict(end, ui)} ${end.node}: ${oneLine(end.message ?? '')}`);
  return [ui.table(['node', 'what', 'name', 'generation', 'detail', 'up (s)'], rows), ...faults].join('\n');
}
