import { EdgectlError } from '../errors/error.js';
import type { Knowledge } from './knowledge.js';
import { mustBeKnown, needsOf } from './knowledge.js';
import type { Selector } from './selector.js';
import { eachLeaf, parseSelector } from './selector.js';
import { didYouMean } from './suggest.js';
import { truthOf } from './truth.js';
import type { FleetNode } from './types.js';

/** The part of a fleet that selectors look at. */
export interface Selectable {
  readonly nodes: readonly FleetNode[];
  /** Facts and run states from the journal; only there when a selector asked for them. */
  readonly knowledge?: Knowledge;
}

/** Compiles a selector over names, fields and labels to a predicate over one node: for desired state, which asks no journal. */
export function matcher(selector: Selector): (node: FleetNode) => boolean {
  const truth = truthOf(selector, {});
  return (node) => truth(node) === true;
}

function mentionsState(selector: Selector): boolean {
  let found = false;
  eachLeaf(selector, (leaf) => {
    if (leaf.kind === 'match' && leaf.key === 'state') found = true;
  });
  return found;
}

/** Names that a selector spells out and the fleet does not have. */
export function unknownNames(
  fleet: { readonly nodes: readonly { readonly id: string }[] },
  selector: Selector,
): string[] {
  const names: string[] = [];
  eachLeaf(selector, (leaf) => {
    if (leaf.kind === 'name' && leaf.pattern.literal) names.push(leaf.pattern.text);
  });
  if (names.length === 0) return [];
  const known = new Set(fleet.nodes.map((node) => node.id));
  return names.filter((name) => !known.has(name));
}

function refuseUnknownNames(fleet: Selectable, selector: Selector): void {
  const unknown = unknownNames(fleet, selector);
  if (unknown.length === 0) return;
  const [only] = unknown;
  const ids = fleet.nodes.map((node) => node.id);
  const help = unknown.length === 1 && only !== undefined ? didYouMean(only, ids) : '';
  throw new EdgectlError('NODE_NOT_FOUND', {
    message: `The fleet has no node ${unknown.map((name) => `“${name}”`).join(', ')}${help}`,
    data: { unknown },
  });
}

/** Nodes that a selector can match at all: those that are not retired, unless it speaks of `state`. */
export function selectableNodes(fleet: Selectable, selector: Selector): readonly FleetNode[] {
  return mentionsState(selector) ? fleet.nodes : fleet.nodes.filter((node) => node.state !== 'retired');
}

/**
 * The nodes that a selector matches, in the fleet's order. Retired nodes are left out unless the selector speaks of
 * `state`; so are nodes of which it is not known whether they match. Throws NODE_NOT_FOUND when it spells out a name that
 * the fleet does not have, SELECTOR_UNKNOWN when it asks for facts or run states and there are none.
 */
export function selectNodes(fleet: Selectable, expression: Selector | string): FleetNode[] {
  const selector = typeof expression === 'string' ? parseSelector(expression) : expression;
  refuseUnknownNames(fleet, selector);
  mustBeKnown(needsOf(selector, fleet.nodes), fleet.knowledge);
  const nodes = selectableNodes(fleet, selector);
  const truth = truthOf(selector, { nodes, knowledge: fleet.knowledge ?? new Map() });
  return nodes.filter((node) => truth(node) === true);
}

/** Like {@link selectNodes} for a selector of desired state: names, fields and labels only, no journal. */
export function selectDesired(fleet: Selectable, on: string): FleetNode[] {
  const selector = parseSelector(on);
  refuseUnknownNames(fleet, selector);
  return selectableNodes(fleet, selector).filter(matcher(selector));
}
