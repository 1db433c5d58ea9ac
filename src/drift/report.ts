import type { FleetNode } from '../fleet/types.js';
import type { Assessment } from './assess.js';
import type { FoldedFinding, GroupBy } from './fold.js';
import { folded } from './fold.js';
import type { Contact, ExpiredRule, Finding, FindingClass, Severity, Split } from './types.js';

/** What differs across a fleet, as the envelope of a drift report carries it. Times are RFC 3339 UTC. */
export interface DriftReport {
  fleet: { id: string; name: string };
  at: string;
  groupBy: GroupBy;
  nodes: {
    total: number;
    /** Asked and reached the last time. */
    seen: number;
    /** Not reached the last time, or never asked. */
    unknown: number;
    /** When the node that was seen the longest ago was seen; null when one never was, or there is none. */
    oldest: string | null;
    /** The same among the nodes that were reached. */
    oldestSeen: string | null;
  };
  /** Findings, one for each difference on each node. */
  counts: Record<FindingClass, number> & { severities: Record<Severity, number> };
  /** With `--since` or `--fail-on new`: what is there now and was not then, and what is gone. */
  since?: { at: string; run?: string; new: number; gone: number };
  findings: FoldedFinding[];
  /** When each unknown node was last seen; null for never. */
  lastSeen: Record<string, string | null>;
  splits: Split[];
  expired: ExpiredRule[];
}

/** What a report is made of. */
export interface ReportInput {
  fleet: { id: string; name: string };
  nodes: readonly FleetNode[];
  contacts: readonly Contact[];
  assessment: Assessment;
  /** The assessment of the same desired state at an earlier time, to tell what is new. */
  before?: { at: string; run?: string; assessment: Assessment; only: boolean };
  groupBy: GroupBy;
  now: string;
}

/** Puts a report together; also the single findings that are in it, for reports that list nodes. */
export function reportOf(input: ReportInput): { report: DriftReport; findings: Finding[]; fresh: Finding[] } {
  const { assessment, before, nodes, contacts, groupBy, now } = input;
  const { fresh, gone } = news(assessment, before?.assessment);
  const findings = before?.only === true ? fresh : assessment.findings;
  const report: DriftReport = {
    fleet: { id: input.fleet.id, name: input.fleet.name },
    at: now,
    groupBy,
    nodes: whoWasSeen(nodes, contacts, assessment.findings),
    counts: counted(findings),
    ...(before === undefined
      ? {}
      : {
          since: {
            at: before.at,
            ...(before.run === undefined ? {} : { run: before.run }),
            new: fresh.filter(isDrift).length,
            gone,
          },
        }),
    findings: folded(findings, groupBy, nodes),
    lastSeen: Object.fromEntries(
      assessment.findings.filter(({ kind }) => kind === 'unseen').map(({ node, seenAt }) => [node, seenAt]),
    ),
    splits: assessment.splits,
    expired: assessment.expired,
  };
  return { report, findings, fresh };
}

/** A difference that somebody should do something about. */
export function isDrift(finding: { class: FindingClass }): boolean {
  return finding.class === 'unexpected';
}

/** What must be the same for a finding to be an old one. */
function identity({ kind, node, attribute, found, expected, class: thought }: Finding): string {
  return JSON.stringify([kind, node, attribute, found, expected, thought === 'expected']);
}

function news(now: Assessment, before: Assessment | undefined): { fresh: Finding[]; gone: number } {
  if (before === undefined) return { fresh: [], gone: 0 };
  const then = new Set(before.findings.map(identity));
  const still = new Set(now.findings.map(identity));
  return {
    fresh: now.findings.filter((finding) => !then.has(identity(finding))),
    gone: before.findings.filter((finding) => isDrift(finding) && !still.has(identity(finding))).length,
  };
}

function counted(findings: readonly Finding[]): DriftReport['counts'] {
  const counts = {
    ...{ unexpected: 0, pending: 0, expected: 0, unknown: 0 },
    severities: { security: 0, breaking: 0, cosmetic: 0 },
  };
  for (const finding of findings) {
    counts[finding.class] += 1;
    if (isDrift(finding)) counts.severities[finding.severity] += 1;
  }
  return counts;
}

function whoWasSeen(
  nodes: readonly FleetNode[],
  contacts: readonly Contact[],
  findings: readonly Finding[],
): DriftReport['nodes'] {
  const away = new Map(findings.filter(({ kind }) => kind === 'unseen').map(({ node, seenAt }) => [node, seenAt]));
  const ids = new Set(nodes.map(({ id }) => id));
  const reached = contacts.filter(({ node }) => ids.has(node) && !away.has(node)).map(({ at }) => at);
  const times = [...away.values()];
  return {
    total: nodes.length,
    seen: nodes.length - away.size,
    unknown: away.size,
    oldest: times.includes(null) ? null : (times.sort()[0] ?? null),
    oldestSeen: reached.sort()[0] ?? null,
  };
}
