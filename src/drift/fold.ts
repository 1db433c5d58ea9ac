import type { FleetNode } from '../fleet/types.js';
import { foldNames } from '../plan/ranges.js';
import { componentOf } from './attributes.js';
import type { Finding, FindingClass, Severity } from './types.js';

/** What findings are put together by: the same difference anywhere, in one site, on one node. */
export type GroupBy = 'attribute' | 'site' | 'node';

/** The same finding on several nodes. */
export interface FoldedFinding extends Omit<Finding, 'node' | 'since' | 'seenAt'> {
  /** Sorted. */
  nodes: string[];
  /** The site or node that it is grouped under; absent when grouped by attribute. */
  group?: string;
  /** Since when it is so on the node where it is so the longest; null when that is not known. */
  since: string | null;
  /** When the node that was seen the longest ago was seen. */
  seenAt: string | null;
  /** The command that puts it right or leads there, when there is one. */
  fix?: string;
}

const classes: readonly FindingClass[] = ['unexpected', 'pending', 'expected', 'unknown'];
const severities: readonly Severity[] = ['security', 'breaking', 'cosmetic'];
/** Longer selectors help nobody: a rollout leaves nodes alone that have nothing to do. Characters. */
const longestSelector = 60;

/** Puts identical findings together, worst first. Every finding is in exactly one of them. */
export function folded(findings: readonly Finding[], by: GroupBy, nodes: readonly FleetNode[]): FoldedFinding[] {
  const sites = new Map(nodes.map(({ id, site }) => [id, site]));
  const groups = new Map<string, FoldedFinding>();
  for (const finding of findings) {
    const { node, since, seenAt, ...what } = finding;
    const group = by === 'attribute' ? undefined : by === 'node' ? node : (sites.get(node) ?? '');
    const key = JSON.stringify([group, what]);
    const known = groups.get(key);
    if (known === undefined)
      groups.set(key, { ...what, ...(group === undefined ? {} : { group }), nodes: [node], since, seenAt });
    else {
      known.nodes.push(node);
      known.since = earlier(known.since, since);
      known.seenAt = earlier(known.seenAt, seenAt);
    }
  }
  return [...groups.values()]
    .map((one) => ({ ...one, nodes: [...new Set(one.nodes)].sort() }))
    .map((one) => ({ ...one, ...fixOf(one) }))
    .sort(
      (a, b) =>
        order(a.group, b.group) ||
        classes.indexOf(a.class) - classes.indexOf(b.class) ||
        severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
        b.nodes.length - a.nodes.length ||
        order(a.attribute, b.attribute) ||
        order(a.found ?? '', b.found ?? ''),
    );
}

function earlier(a: string | null, b: string | null): string | null {
  return a === null || b === null ? (a ?? b) : a < b ? a : b;
}

function order(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Only commands that exist: runtimes can be rolled out; a run can be resumed; what is wrong with the way to a node can be looked at. */
function fixOf(finding: FoldedFinding): { fix?: string } {
  if (finding.class === 'pending' && finding.run !== undefined) return { fix: `edgectl resume ${finding.run}` };
  if (finding.kind === 'unseen') {
    const [only] = finding.nodes;
    return finding.nodes.length === 1 && only !== undefined ? { fix: `edgectl node doctor ${only}` } : {};
  }
  const component = componentOf(finding.attribute);
  if (finding.class !== 'unexpected' || finding.kind !== 'desired' || component === undefined) return {};
  const names = foldNames(finding.nodes);
  const on = names.length > longestSelector ? '' : /[[\], ]/.test(names) ? ` --on '${names}'` : ` --on ${names}`;
  return { fix: `edgectl rollout runtime ${component}${on}` };
}
