import { componentOf } from './attributes.js';
import type { CompiledRule } from './rules.js';
import type { ExpiredRule, Expectation, Finding, PendingWork } from './types.js';

/** What decides what is to be thought of a difference. */
export interface ClassifyContext {
  pending: readonly PendingWork[];
  rules: readonly CompiledRule[];
  /** Nodes whose last look told nothing. */
  away: ReadonlySet<string>;
  expectations: readonly Expectation[];
  /** RFC 3339 UTC. */
  now: string;
}

/**
 * Says of each finding whether it is expected, pending or unknown instead of unexpected. In this order: a rule that holds; a
 * run that will fix it; a node that cannot be asked. A rule that has run out changes nothing and is told with what it would hide.
 */
export function classified(
  findings: readonly Finding[],
  context: ClassifyContext,
): { findings: Finding[]; expired: ExpiredRule[] } {
  const hides = new Map<CompiledRule, number>();
  const work = newestWork(context);
  const result = findings.map((finding): Finding => {
    if (finding.kind === 'unseen') return finding;
    const rules = context.rules.filter((rule) => rule.matches(finding.node, finding.attribute));
    const holds = rules.find((rule) => context.now <= rule.expires);
    if (holds !== undefined) {
      const why = `${holds.reason} (${holds.owner}, until ${holds.expires.slice(0, 10)})`;
      return { ...finding, class: 'expected', why, where: holds.where };
    }
    for (const rule of rules) hides.set(rule, (hides.get(rule) ?? 0) + 1);
    if (finding.class !== 'unexpected') return finding;
    const run = finding.kind === 'desired' ? work(finding) : undefined;
    if (run !== undefined) return { ...finding, class: 'pending', run };
    return context.away.has(finding.node) ? { ...finding, class: 'unknown', why: 'last known' } : finding;
  });
  const expired = context.rules
    .filter((rule) => context.now > rule.expires)
    .map((rule) => {
      const { reason, owner, expires, where } = rule;
      return { reason, owner, expires, where, hides: hides.get(rule) ?? 0 };
    });
  return { findings: result, expired };
}

/** The run that brings a node to what desired state wants of a runtime; of several the newest, because it makes the others void. */
function newestWork({ pending, expectations }: ClassifyContext): (finding: Finding) => string | undefined {
  const byPlace = new Map<string, PendingWork>();
  for (const one of pending) {
    const key = `${one.node}\n${one.component}`;
    const other = byPlace.get(key);
    // Ids of runs are ULIDs: in order of time.
    if (other === undefined || other.run < one.run) byPlace.set(key, one);
  }
  return (finding) => {
    const component = componentOf(finding.attribute);
    const work = component === undefined ? undefined : byPlace.get(`${finding.node}\n${component}`);
    if (work === undefined) return undefined;
    const digests = expectations
      .filter(({ attribute, nodes }) => attribute === finding.attribute && nodes.has(finding.node))
      .flatMap(({ values }) => Object.values(values));
    return work.digest !== null && digests.includes(work.digest) ? work.run : undefined;
  };
}
