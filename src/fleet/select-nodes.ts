import { EdgectlError } from '../errors/error.js';
import type { Selector } from './selector.js';
import { parseSelector } from './selector.js';
import { didYouMean } from './suggest.js';
import type { FleetNode } from './types.js';

/** The part of a fleet that selectors look at. */
export interface Selectable {
  readonly nodes: readonly FleetNode[];
}

type Field = (node: FleetNode) => string | undefined;

const fields: Readonly<Record<string, Field>> = {
  name: (node) => node.id,
  node: (node) => node.id,
  site: (node) => node.site,
  region: (node) => node.region,
  state: (node) => node.state,
};

/** What a key of a selector reads: a field of the node, or the label `label.KEY` or `KEY`. */
function fieldOf(key: string): Field {
  const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (field !== undefined) return field;
  const label = key.startsWith('label.') ? key.slice('label.'.length) : key;
  return (node) => (Object.hasOwn(node.labels, label) ? node.labels[label] : undefined);
}

/** Compiles a selector to a predicate over one node. */
export function matcher(selector: Selector): (node: FleetNode) => boolean {
  switch (selector.kind) {
    case 'all':
      return () => true;
    case 'name':
      return (node) => selector.pattern.matches(node.id);
    case 'match': {
      const field = fieldOf(selector.key);
      return (node) => {
        const value = field(node);
        const matched = value !== undefined && selector.patterns.some((pattern) => pattern.matches(value));
        return matched !== selector.negated;
      };
    }
    case 'not': {
      const part = matcher(selector.part);
      return (node) => !part(node);
    }
    case 'and': {
      const parts = selector.parts.map(matcher);
      return (node) => parts.every((part) => part(node));
    }
    case 'or': {
      const parts = selector.parts.map(matcher);
      return (node) => parts.some((part) => part(node));
    }
  }
}

/** Calls back for every leaf of a selector. */
export function eachLeaf(selector: Selector, visit: (leaf: Selector & { kind: 'name' | 'match' }) => void): void {
  if (selector.kind === 'name' || selector.kind === 'match') visit(selector);
  else if (selector.kind === 'not') eachLeaf(selector.part, visit);
  else if (selector.kind === 'and' || selector.kind === 'or') for (const part of selector.parts) eachLeaf(part, visit);
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

/**
 * The nodes that a selector matches, in the fleet's order. Retired nodes are left out unless the selector speaks of
 * `state`. Throws NODE_NOT_FOUND when it spells out a name that the fleet does not have.
 */
export function selectNodes(fleet: Selectable, expression: Selector | string): FleetNode[] {
  const selector = typeof expression === 'string' ? parseSelector(expression) : expression;
  const unknown = unknownNames(fleet, selector);
  if (unknown.length > 0) {
    const help =
      unknown.length === 1
        ? didYouMean(
            unknown[0] ?? '',
            fleet.nodes.map((node) => node.id),
          )
        : '';
    throw new EdgectlError('NODE_NOT_FOUND', {
      message: `The fleet has no node ${unknown.map((name) => `“${name}”`).join(', ')}${help}`,
      data: { unknown },
    });
  }
  const matches = matcher(selector);
  const retired = mentionsState(selector);
  return fleet.nodes.filter((node) => (retired || node.state !== 'retired') && matches(node));
}
