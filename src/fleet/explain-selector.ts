import type { Knowledge } from './knowledge.js';
import { needOf } from './knowledge.js';
import { selectableNodes } from './select-nodes.js';
import type { Selectable } from './select-nodes.js';
import type { Leaf, Selector } from './selector.js';
import { eachLeaf } from './selector.js';
import type { Truth, TruthContext } from './truth.js';
import { truthOf, valuesOf } from './truth.js';
import type { FleetNode } from './types.js';

/** A term that decides whether a node is meant. */
export interface Reason {
  /** The term as it was written. */
  term: string;
  /** What was found on the node, in words. */
  found: string;
  /** When that was seen; undefined for what the fleet repository says. */
  at?: string;
}

/** A node, whether a selector means it, and why. */
export interface Explained {
  node: FleetNode;
  match: 'yes' | 'no' | 'unknown';
  because: readonly Reason[];
}

/** For each node that could be meant: whether it is, and the terms that decide. */
export function explainSelector(source: string, selector: Selector, fleet: Selectable): Explained[] {
  const nodes = selectableNodes(fleet, selector);
  const knowledge: Knowledge = fleet.knowledge ?? new Map();
  const context = { nodes, knowledge };
  const explain = explainer(source, selector, context);
  return nodes.map((node) => {
    const { truth, because } = explain(node);
    const match = truth === undefined ? 'unknown' : truth ? 'yes' : 'no';
    return { node, match, because };
  });
}

type Explainer = (node: FleetNode) => { truth: Truth; because: readonly Reason[] };

function explainer(source: string, selector: Selector, context: Required<TruthContext>): Explainer {
  const truthOfNode = truthOf(selector, context);
  switch (selector.kind) {
    case 'all':
      return () => ({ truth: true, because: [{ term: 'all', found: 'every node' }] });
    case 'not': {
      const part = explainer(source, selector.part, context);
      return (node) => ({ truth: truthOfNode(node), because: part(node).because });
    }
    case 'and':
    case 'or': {
      const parts = selector.parts.map((part) => explainer(source, part, context));
      return (node) => {
        const truth = truthOfNode(node);
        const told = parts.map((part) => part(node));
        // Where one part decides the first such one is the reason; otherwise all are.
        const first = told.find((one) => one.truth === truth);
        const single = truth === undefined || truth === (selector.kind === 'or');
        return { truth, because: single ? (first?.because ?? []) : told.flatMap((one) => one.because) };
      };
    }
    case 'sample': {
      const inside = explainer(source, selector.of, context);
      const term = source.slice(selector.at, selector.end);
      return (node) => {
        const truth = truthOfNode(node);
        const within = inside(node);
        if (within.truth !== true) return { truth, because: within.because };
        return { truth, because: [{ term, found: truth === true ? 'in the sample' : 'not in the sample' }] };
      };
    }
    default:
      return (node) => ({ truth: truthOfNode(node), because: [reason(source, selector, node, context)] });
  }
}

function reason(source: string, leaf: Leaf, node: FleetNode, context: Required<TruthContext>): Reason {
  const term = source.slice(leaf.at, leaf.end);
  const known = context.knowledge.get(node.id);
  const need = needOf(leaf, [node]);
  const seen = need === 'facts' ? known?.facts?.at : need === 'contact' ? known?.contact?.at : known?.lastRun?.at;
  const at = need === undefined || seen === undefined ? {} : { at: seen };
  if (leaf.kind === 'name') return { term, found: node.id };
  if (leaf.kind === 'flag') {
    if (leaf.flag === 'drifted') {
      const { drifted } = known ?? {};
      return { term, found: drifted === undefined ? 'not known' : drifted ? 'drifted' : 'as desired', ...at };
    }
    const reached = known?.contact?.reached;
    return { term, found: reached === undefined ? 'not known' : reached ? 'online' : 'offline', ...at };
  }
  const values = valuesOf(leaf.key, context)(node);
  const found =
    values === undefined
      ? 'not known'
      : values.length === 0
        ? 'none'
        : leaf.key === 'group'
          ? values.join(', ')
          : (values[0] ?? '');
  return { term, found, ...at };
}

/** Ids of nodes that may be meant, and nobody knows. */
export function unknownNodes(explained: readonly Explained[]): string[] {
  return explained.filter(({ match }) => match === 'unknown').map(({ node }) => node.id);
}

/** What a selector of desired state may not ask for; undefined when there is nothing. */
export function momentary(selector: Selector): Leaf | (Selector & { kind: 'sample' }) | undefined {
  let found: ReturnType<typeof momentary>;
  const samples = (part: Selector): void => {
    if (part.kind === 'sample') found ??= part;
    else if (part.kind === 'not') samples(part.part);
    else if (part.kind === 'and' || part.kind === 'or') part.parts.forEach(samples);
  };
  samples(selector);
  eachLeaf(selector, (leaf) => {
    const asks = leaf.kind === 'flag' || (leaf.kind !== 'name' && /^(fact\.|runtime\.|last-run$)/.test(leaf.key));
    if (asks) found ??= leaf;
  });
  return found;
}
