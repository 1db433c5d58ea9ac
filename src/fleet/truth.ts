import { createHash } from 'node:crypto';
import type { Knowledge, NodeKnowledge } from './knowledge.js';
import { factOf, labelInstead } from './knowledge.js';
import type { Leaf, Selector } from './selector.js';
import type { FleetNode } from './types.js';
import { compareVersions } from './version.js';

/** True, false, or undefined when it is not known (Kleene's three values). */
export type Truth = boolean | undefined;

/** What a selector is looked at with. */
export interface TruthContext {
  /** The nodes that samples are taken of. */
  nodes?: readonly FleetNode[];
  /** Without it facts are not looked up: every key is a field or a label. */
  knowledge?: Knowledge;
}

type Values = readonly string[] | undefined;
const fields: Readonly<Record<string, (node: FleetNode) => readonly string[]>> = {
  name: (node) => [node.id],
  node: (node) => [node.id],
  site: (node) => [node.site],
  region: (node) => [node.region],
  state: (node) => [node.state],
  group: (node) => node.groups,
};

/** States of a node in a run that `last-run=failed` stands for. */
const failedStates = new Set([
  ...['failed', 'refused', 'timed_out', 'stale', 'rolled_back', 'reverted_later', 'rollback_failed'],
]);

/** What a key reads of a node: its values, none, or undefined when that is not known. */
export function valuesOf(key: string, context: TruthContext): (node: FleetNode) => Values {
  const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (field !== undefined) return field;
  const label = key.startsWith('label.') ? key.slice('label.'.length) : key;
  const { knowledge } = context;
  const own = (node: FleetNode): readonly string[] => {
    const value = labelInstead(label, node);
    return value === undefined ? [] : [value];
  };
  const fact = factOf(key);
  if (knowledge === undefined || (fact === undefined && key !== 'last-run')) return own;
  return (node) => {
    const written = own(node);
    if (written.length > 0) return written;
    const known = knowledge.get(node.id);
    if (fact === undefined) return runValues(known);
    const value = known?.facts?.values[fact];
    return known?.facts === undefined ? undefined : value === undefined ? [] : [value];
  };
}

function runValues(known: NodeKnowledge | undefined): readonly string[] {
  const state = known?.lastRun?.state;
  if (state === undefined) return ['none'];
  return failedStates.has(state) ? [state, state.replaceAll('_', '-'), 'failed'] : [state, state.replaceAll('_', '-')];
}

/** Compiles one leaf. */
export function leafTruth(leaf: Leaf, context: TruthContext): (node: FleetNode) => Truth {
  switch (leaf.kind) {
    case 'name':
      return (node) => leaf.pattern.matches(node.id);
    case 'flag':
      return (node) => flagTruth(leaf.flag, context.knowledge?.get(node.id));
    case 'match': {
      const values = valuesOf(leaf.key, context);
      const { patterns, negated } = leaf;
      return (node) => {
        const found = values(node);
        return found && found.some((value) => patterns.some((pattern) => pattern.matches(value))) !== negated;
      };
    }
    case 'compare': {
      const values = valuesOf(leaf.key, context);
      const { bound, operator } = leaf;
      return (node) =>
        values(node)?.some((value) => /^v?\d/.test(value) && holds(compareVersions(value, bound), operator));
    }
  }
}

function flagTruth(flag: 'offline' | 'online' | 'drifted', known: NodeKnowledge | undefined): Truth {
  if (flag === 'drifted') return known?.drifted;
  const reached = known?.contact?.reached;
  return reached === undefined ? undefined : reached === (flag === 'online');
}

function holds(order: number, operator: '<' | '<=' | '>' | '>='): boolean {
  if (operator === '<') return order < 0;
  if (operator === '<=') return order <= 0;
  return operator === '>' ? order > 0 : order >= 0;
}

/** Compiles a selector to what is known of it for one node. */
export function truthOf(selector: Selector, context: TruthContext): (node: FleetNode) => Truth {
  switch (selector.kind) {
    case 'all':
      return () => true;
    case 'not': {
      const part = truthOf(selector.part, context);
      return (node) => {
        const value = part(node);
        return value === undefined ? undefined : !value;
      };
    }
    case 'and':
    case 'or': {
      const parts = selector.parts.map((part) => truthOf(part, context));
      // One false decides an “and”, one true an “or”; else one unknown leaves it open.
      const deciding = selector.kind === 'or';
      return (node) => {
        let open = false;
        for (const part of parts) {
          const value = part(node);
          if (value === deciding) return deciding;
          if (value === undefined) open = true;
        }
        return open ? undefined : !deciding;
      };
    }
    case 'sample': {
      const chosen = sample(selector, context);
      return (node) => chosen.has(node.id);
    }
    default:
      return leafTruth(selector, context);
  }
}

/** The same nodes every time: those with the smallest hash of their name. A fleet that grows changes few of them. */
function sample(selector: Selector & { kind: 'sample' }, context: TruthContext): ReadonlySet<string> {
  const inside = truthOf(selector.of, context);
  const ids = (context.nodes ?? []).filter((node) => inside(node) === true).map((node) => node.id);
  const { size } = selector;
  const count = 'count' in size ? size.count : Math.ceil((ids.length * size.percent) / 100);
  const hashed = ids.map((id) => [createHash('sha256').update(`sample\n${id}`).digest('hex'), id] as const);
  return new Set(
    hashed
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, count)
      .map(([, id]) => id),
  );
}
