import type { FoldedFinding } from '../../drift/fold.js';
import type { DriftReport } from '../../drift/report.js';
import type { Finding } from '../../drift/types.js';
import type { FleetNode } from '../../fleet/types.js';

/** What the reports in files are written from: always everything, grouped by attribute. */
export interface ReportedDrift {
  /** `edgectl` and its version. */
  tool: { name: string; version: string };
  report: DriftReport;
  /** One for each difference on each node. */
  findings: readonly Finding[];
  /** The same, folded. */
  folded: readonly FoldedFinding[];
  /** Those that are new, when that was asked; undefined when it was not. */
  fresh?: readonly Finding[];
  nodes: readonly Pick<FleetNode, 'id' | 'site'>[];
}

/** Findings of each node, in the order of the nodes. */
export function byNode({ findings, nodes }: ReportedDrift): { node: string; site: string; findings: Finding[] }[] {
  const lists = new Map<string, Finding[]>();
  for (const finding of findings) {
    const list = lists.get(finding.node);
    if (list === undefined) lists.set(finding.node, [finding]);
    else list.push(finding);
  }
  return nodes.map(({ id, site }) => ({ node: id, site, findings: lists.get(id) ?? [] }));
}
