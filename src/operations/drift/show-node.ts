import { globOf, shown } from '../../drift/attributes.js';
import { folded } from '../../drift/fold.js';
import type { FleetNode } from '../../fleet/types.js';
import type { ShownNode } from '../../render/drift/show.js';
import type { AssessSources } from './assess-fleet.js';
import { assessFleet } from './assess-fleet.js';

/** Everything that is to be said of one node; `globs` choose which of its attributes come with it. */
export async function showNode(node: FleetNode, globs: readonly string[], sources: AssessSources): Promise<ShownNode> {
  const { now, observations } = await assessFleet(sources);
  const matches = globs.map(globOf);
  const own = observations.filter((one) => one.node === node.id);
  const findings = now.findings.filter((one) => one.node === node.id);
  const seen = own.map(({ seenAt }) => seenAt).sort();
  return {
    node: node.id,
    site: node.site,
    labels: node.labels,
    at: new Date(sources.now).toISOString(),
    seenAt: seen.at(-1) ?? null,
    findings: folded(findings, 'node', [node]),
    attributes: own
      .filter(({ attribute }) => matches.some((glob) => glob(attribute)))
      .sort((a, b) => (a.attribute < b.attribute ? -1 : 1))
      .map(({ attribute, value, unknown, since, seenAt }) => ({
        attribute: shown(attribute),
        value: value === undefined ? null : shown(value),
        ...(unknown === undefined ? {} : { unknown: shown(unknown) }),
        since,
        seenAt,
      })),
  };
}
