import { isTx } from '../actions/runtime/answers.js';
import type { GenerationLine, KitLine, TxLine } from '../node/types.js';
import type { ComponentDigests, PlanNode } from '../plan/types.js';

/** What a node has committed: digest by component, and which of them are only adopted from its distribution. */
export interface Observed {
  components: ComponentDigests;
  adopted: ReadonlySet<string>;
}

/** Reads the committed components of a `status`; null when the node tells none. */
export function observe(lines: readonly KitLine[]): Observed | null {
  const line = lines.find((candidate): candidate is GenerationLine => candidate.t === 'generation');
  if (line === undefined) return null;
  const source: unknown = line.committed_components ?? line.components;
  if (typeof source !== 'object' || source === null) return null;
  const components: ComponentDigests = {};
  const adopted = new Set<string>();
  for (const [component, value] of Object.entries(source as Record<string, unknown>)) {
    const { digest, adopted: flag } = (value ?? {}) as { digest?: unknown; adopted?: unknown };
    if (typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest)) components[component] = digest;
    if (flag === true || flag === 1 || flag === '1') adopted.add(component);
  }
  return { components, adopted };
}

/** How what a node has relates to what the plan saw and wants. */
export type Fingerprint = 'before' | 'after' | 'neither';

/** Compares only the components that the plan touches; either side of each is accepted (contract 2). */
export function fingerprint(
  node: Pick<PlanNode, 'expectBefore' | 'expectAfter' | 'intent'>,
  observed: Observed,
): Fingerprint {
  const components = Object.keys(node.expectAfter);
  const actual = (component: string): string | null => observed.components[component] ?? null;
  if (components.every((component) => actual(component) === (node.expectAfter[component] ?? null))) return 'after';
  if (node.intent) return 'before';
  const known = components.every((component) => {
    const digest = actual(component);
    if (digest === (node.expectAfter[component] ?? null) || digest === (node.expectBefore[component] ?? null))
      return true;
    // A distribution's build has no digest at plan time; adopting it gives it one and changes nothing.
    return observed.adopted.has(component) && (node.expectBefore[component] ?? null) === null;
  });
  return known ? 'before' : 'neither';
}

/** A transaction of a run as the node tells it, with the numbers of its wire id. */
export interface SeenTransaction {
  tx: TxLine;
  seq: number;
  attempt: number;
}

/** The newest transaction of a run on a node; undefined when the node has begun none. */
export function newestTransaction(lines: readonly KitLine[], run: string, node: string): SeenTransaction | undefined {
  const prefix = `${run}/${node}/`;
  let newest: SeenTransaction | undefined;
  for (const tx of lines.filter(isTx)) {
    const match = tx.step.startsWith(prefix) ? /^(\d{1,4})\/(\d{1,6})$/.exec(tx.step.slice(prefix.length)) : null;
    if (match === null) continue;
    const [seq, attempt] = [Number(match[1]), Number(match[2])];
    if (newest === undefined || attempt > newest.attempt) newest = { tx, seq, attempt };
  }
  return newest;
}

/** A newer run (ULIDs sort by time) that has committed on the node; undefined when there is none. */
export function newerCommit(lines: readonly KitLine[], run: string): string | undefined {
  return lines.filter(isTx).find((tx) => tx.state === 'COMMIT' && tx.run > run)?.run;
}
