import type { KitAnswer, KitCaller } from '../node/types.js';
import type { Clock } from '../util/clock.js';
import type { Asked } from './asked.js';
import { observeRequest } from './asked.js';
import { reasonOf } from './collect.js';
import { parseSighting } from './parse-sighting.js';
import type { NodeSighting } from './sighting.js';

/** One look at a node, or the answer that came instead. */
export type LookResult = { node: string; sighting: NodeSighting } & (
  { ok: true; kit: boolean } | { ok: false; why: string; message: string; answer: Exclude<KitAnswer, { kind: 'ok' }> }
);

/** How a node is looked at. */
export interface LookOptions {
  clock: Clock;
  asked: Asked;
  /** Digests of its sections that were seen last. */
  known: Readonly<Record<string, string>>;
  /** Milliseconds; the node's own probes stop at two thirds of it. */
  timeoutMs: number;
  signal?: AbortSignal;
  /** How a node is asked that has no kit, or one that does not know the verb; without it that is a result that is not ok. */
  firstLook?: (nodeId: string, fields: Record<string, string>) => Promise<KitAnswer>;
}

/** Failures of the way to a node; everything else is an answer of something that is there. */
const away = new Set([
  ...['dns', 'refused', 'no-route', 'connect-timeout', 'handshake-timeout', 'closed', 'command-timeout'],
]);

/** Look at one node in one round trip; two when it has no kit for it. Never throws for a node's failure. */
export async function lookAt(caller: KitCaller, node: string, options: LookOptions): Promise<LookResult> {
  const { asked, clock, firstLook, known, signal, timeoutMs } = options;
  const budgetS = Math.min(120, Math.max(1, Math.floor((timeoutMs * 2) / 3000)));
  const fields = observeRequest(asked, known, budgetS);
  let sentAt = clock.now();
  let answer = await caller.call(node, { verb: 'observe', fields, timeoutMs }, signal);
  let kit = true;
  if (firstLook !== undefined && cannotObserve(answer)) {
    sentAt = clock.now();
    answer = await firstLook(node, fields);
    kit = false;
  }
  const receivedAt = clock.now();
  const at = new Date(receivedAt).toISOString();
  if (answer.kind === 'ok') {
    const seen = parseSighting(answer.lines, { known, sentAt, receivedAt });
    return { node, ok: true, kit, sighting: { node, at, reached: true, ...seen } };
  }
  const reason = reasonOf(answer);
  const sighting = { node, at, reached: !away.has(reason.why), sections: [], volatile: new Map() };
  return { node, ok: false, ...reason, answer, sighting };
}

/** No kit, no right to it, or a kit from before the verb: that one prints its usage and says nothing in the protocol. */
function cannotObserve(answer: KitAnswer): boolean {
  if (answer.kind === 'refused') return answer.code === 'NO_KIT' || answer.code === 'NO_SUDO';
  return answer.kind === 'protocol' && answer.message.includes('usage: edgectl-node');
}
