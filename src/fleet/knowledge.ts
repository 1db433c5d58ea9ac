import { EdgectlError } from '../errors/error.js';
import type { Leaf, Selector } from './selector.js';
import { eachLeaf } from './selector.js';
import type { FleetNode } from './types.js';

/** What is known of one node besides what the fleet repository says, each with its time (RFC 3339, UTC). */
export interface NodeKnowledge {
  /** The last time that somebody tried to reach it. */
  contact?: { at: string; reached: boolean };
  /** The last facts that it gave, as text by key: `arch`, `os`, `runtime.NAME`, … */
  facts?: { at: string; values: Readonly<Record<string, string>> };
  /** Its last facts differ from what runtimes.yaml wants; undefined when that cannot be said. */
  drifted?: boolean;
  /** Its state in the newest run that it was part of. */
  lastRun?: { at: string; run: string; state: string };
}

/** By node. */
export type Knowledge = ReadonlyMap<string, NodeKnowledge>;

/** Facts that a selector can ask for by their own name. */
export const factKeys = ['arch', 'os', 'os.version', 'kernel', 'init', 'init.version', 'cgroup', 'kit'] as const;
const factNames = new Set<string>(factKeys);

/** The fact that a key of a selector means; undefined for one that can only be a field or a label. */
export function factOf(key: string): string | undefined {
  if (key.startsWith('fact.')) return key.slice('fact.'.length);
  return factNames.has(key) || key.startsWith('runtime.') ? key : undefined;
}

/** A label of that name is a person's word and goes before a fact; `fact.arch` always means the fact. */
export function labelInstead(key: string, node: FleetNode): string | undefined {
  return Object.hasOwn(node.labels, key) ? node.labels[key] : undefined;
}

export type Need = 'facts' | 'contact' | 'runs';

/** What a leaf asks of the journal; undefined when the fleet repository answers it. */
export function needOf(leaf: Leaf, nodes: readonly FleetNode[]): Need | undefined {
  if (leaf.kind === 'flag') return leaf.flag === 'drifted' ? 'facts' : 'contact';
  if (leaf.kind === 'name') return undefined;
  if (leaf.key === 'last-run') return nodes.every((node) => Object.hasOwn(node.labels, leaf.key)) ? undefined : 'runs';
  if (factOf(leaf.key) === undefined) return undefined;
  return nodes.length > 0 && nodes.every((node) => labelInstead(leaf.key, node) !== undefined) ? undefined : 'facts';
}

/** Everything that a selector asks of the journal. */
export function needsOf(selector: Selector, nodes: readonly FleetNode[]): Set<Need> {
  const needs = new Set<Need>();
  eachLeaf(selector, (leaf) => {
    const need = needOf(leaf, nodes);
    if (need !== undefined) needs.add(need);
  });
  return needs;
}

const missing: Readonly<Record<Need, { what: string; hint: string }>> = {
  facts: { what: 'no facts of any node are known on this computer', hint: 'edgectl node facts, then again' },
  contact: { what: 'nobody has tried to reach a node from this computer', hint: 'edgectl node facts, then again' },
  runs: {
    what: 'no run is in this computer’s journal',
    hint: 'edgectl journal rebuild brings runs back from the nodes',
  },
};

/** Throws SELECTOR_UNKNOWN, with what to run first, when nothing at all is known of what a selector asks. */
export function mustBeKnown(needs: ReadonlySet<Need>, knowledge: Knowledge | undefined): void {
  const has: Readonly<Record<Need, (one: NodeKnowledge) => boolean>> = {
    facts: ({ facts }) => facts !== undefined,
    contact: ({ contact }) => contact !== undefined,
    runs: ({ lastRun }) => lastRun !== undefined,
  };
  for (const need of needs) {
    if (knowledge !== undefined && [...knowledge.values()].some(has[need])) continue;
    const { what, hint } = missing[need];
    throw new EdgectlError('SELECTOR_UNKNOWN', { message: `The selector cannot be answered: ${what}.`, hint });
  }
}
