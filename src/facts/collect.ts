import { isUnprepared } from '../node/command.js';
import type { KitAnswer, KitCaller } from '../node/types.js';
import type { Clock } from '../util/clock.js';
import { mapLimit } from '../util/map-limit.js';
import { parseFacts, type NodeFacts } from './facts.js';

/** The facts of one node, or the answer that came instead. */
export type FactsResult =
  | { node: string; ok: true; facts: NodeFacts }
  | { node: string; ok: false; why: string; message: string; answer: Exclude<KitAnswer, { kind: 'ok' }> };

/** How facts are collected. */
export interface CollectOptions {
  clock: Clock;
  /** Components whose distribution builds are looked for; the kit's own list when absent. */
  components?: readonly string[];
  /** Nodes at once. Default 256: waiting costs nothing, handshakes are limited apart. */
  concurrency?: number;
  /** Milliseconds for one node. Default 30 s. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** How a node without a kit is asked; without it such a node is a result that is not ok. */
  firstContact?: (nodeId: string) => Promise<KitAnswer>;
  onNode?: (result: FactsResult) => void;
}

/** Read the facts of nodes, one round trip each, in the order given. Never throws for a node's failure. */
export function collectFacts(
  caller: KitCaller,
  nodes: readonly string[],
  options: CollectOptions,
): Promise<FactsResult[]> {
  return mapLimit(nodes, options.concurrency ?? 256, async (node) => {
    const result = await factsOf(caller, node, options);
    options.onNode?.(result);
    return result;
  });
}

async function factsOf(caller: KitCaller, node: string, options: CollectOptions): Promise<FactsResult> {
  const fields: Record<string, string> =
    options.components === undefined ? {} : { components: options.components.join(',') };
  const call = { verb: 'facts' as const, fields, timeoutMs: options.timeoutMs ?? 30_000 };
  let answer = await caller.call(node, call, options.signal);
  let kit = true;
  if (options.firstContact !== undefined && isUnprepared(answer)) {
    answer = await options.firstContact(node);
    kit = false;
  }
  if (answer.kind === 'ok')
    return { node, ok: true, facts: parseFacts(answer.lines, { kit, now: options.clock.now() }) };
  return { node, ok: false, ...reasonOf(answer), answer };
}

/** A short machine-readable reason (`dns`, `auth`, `NO_KIT`, `protocol`, …) and a line for a person. */
export function reasonOf(answer: Exclude<KitAnswer, { kind: 'ok' }>): { why: string; message: string } {
  if (answer.kind === 'refused') return { why: answer.code, message: answer.reason };
  return { why: answer.failure?.kind ?? answer.kind, message: answer.message };
}
