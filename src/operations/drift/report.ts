import type { FoldedFinding, GroupBy } from '../../drift/fold.js';
import { folded } from '../../drift/fold.js';
import type { DriftReport } from '../../drift/report.js';
import { isDrift, reportOf } from '../../drift/report.js';
import type { Assessment } from '../../drift/assess.js';
import type { Finding } from '../../drift/types.js';
import type { Observation } from '../../facts/observed.js';
import { selectNodes } from '../../fleet/select-nodes.js';
import type { FleetNode } from '../../fleet/types.js';
import type { AssessSources } from './assess-fleet.js';
import { assessFleet } from './assess-fleet.js';

/** What a report is asked for. */
export interface DriftRequest {
  /** Only nodes that this selector matches. */
  on?: string;
  groupBy: GroupBy;
  /** Only what is new since then. */
  since?: { at: string; run?: string };
  /** Tell what is new since then, but report everything. */
  newSince?: string;
}

/** A report with the single findings behind it. */
export interface DriftResult {
  report: DriftReport;
  findings: Finding[];
  /** Those that were not there at the time that was named. */
  fresh: Finding[];
  /** The same, folded by attribute however the report is grouped. */
  folded: FoldedFinding[];
  nodes: FleetNode[];
  observations: Observation[];
}

/** What differs in the fleet, as far as is known. */
export async function driftReport(request: DriftRequest, sources: AssessSources): Promise<DriftResult> {
  const { fleet } = sources;
  const since = request.since?.at ?? request.newSince;
  const assessment = await assessFleet(sources, since);
  const nodes = request.on === undefined ? [...assessment.nodes] : selectNodes(fleet, request.on);
  const ids = new Set(nodes.map(({ id }) => id));
  const only = (one: Assessment): Assessment => ({
    ...one,
    findings: one.findings.filter(({ node }) => ids.has(node)),
    splits: one.splits.filter(({ values }) => values.some((value) => value.nodes.some((node) => ids.has(node)))),
  });
  const before =
    since === undefined || assessment.before === undefined
      ? {}
      : {
          before: {
            ...(request.since ?? { at: since }),
            assessment: only(assessment.before),
            only: request.since !== undefined,
          },
        };
  const made = reportOf({
    fleet,
    nodes,
    contacts: assessment.contacts,
    assessment: only(assessment.now),
    groupBy: request.groupBy,
    now: new Date(sources.now).toISOString(),
    ...before,
  });
  return {
    ...made,
    folded: folded(made.findings, 'attribute', nodes),
    nodes,
    observations: assessment.observations.filter(({ node }) => ids.has(node)),
  };
}

/** What may make a report end with 1. */
export type FailOn = 'security' | 'new' | 'any';

/** Whether a report has what it shall fail on. */
export function failsOn(failOn: FailOn, { findings, fresh }: DriftResult): boolean {
  if (failOn === 'any') return findings.some(isDrift);
  if (failOn === 'new') return fresh.some(isDrift);
  return findings.some((finding) => isDrift(finding) && finding.severity === 'security');
}
