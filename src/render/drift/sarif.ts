import { createHash } from 'node:crypto';
import type { FoldedFinding } from '../../drift/fold.js';
import type { Finding, FindingKind } from '../../drift/types.js';
import { foldNames } from '../../plan/ranges.js';
import type { ReportedDrift } from './reported.js';
import { sentenceOf } from './words.js';

const rules: Readonly<Record<FindingKind, string>> = {
  desired: 'A node is not as the fleet repository says.',
  peers: 'A node is not as most of its peers are.',
  advisory: 'A node has a version with a known fault.',
  contradiction: 'A node says two things about the same.',
  flapping: 'A value keeps changing.',
  unseen: 'A node could not be asked.',
};

/** Readers take no more places of one result. */
const mostPlaces = 1000;

/** Findings as SARIF 2.1.0 (OASIS standard, schema errata01): one result for each difference, its nodes as logical locations. */
export function sarifOf(drift: ReportedDrift): string {
  const { report, tool, folded } = drift;
  const ids = Object.keys(rules) as FindingKind[];
  const fresh =
    drift.fresh === undefined ? undefined : new Set(drift.fresh.map((finding) => key(finding, finding.node)));
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: tool.name,
            version: tool.version,
            rules: ids.map((id) => ({ id: `drift/${id}`, shortDescription: { text: rules[id] } })),
          },
        },
        automationDetails: { id: `drift/${report.fleet.name}/` },
        columnKind: 'utf16CodeUnits',
        properties: { fleet: report.fleet.id, at: report.at },
        results: folded.map((finding) => result(finding, { ruleIndex: ids.indexOf(finding.kind), fresh, drift })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function result(
  finding: FoldedFinding,
  { ruleIndex, fresh, drift }: { ruleIndex: number; fresh: ReadonlySet<string> | undefined; drift: ReportedDrift },
): object {
  const { kind, nodes, where, why } = finding;
  const sites = new Map(drift.nodes.map(({ id, site }) => [id, site]));
  const isNew = nodes.every((node) => fresh?.has(key(finding, node)) === true);
  return {
    ruleId: `drift/${kind}`,
    ruleIndex,
    ...judged(finding),
    message: { text: messageText(`${sentenceOf(finding, true)}: ${foldNames(nodes)}`) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(where?.file ?? 'fleet.yaml') },
          region: { startLine: where?.line ?? 1, startColumn: where?.column ?? 1 },
        },
        logicalLocations: nodes.slice(0, mostPlaces).map((node) => ({
          name: node,
          fullyQualifiedName: `${drift.report.fleet.name}/${sites.get(node) ?? ''}/${node}`,
          kind: 'node',
        })),
      },
    ],
    partialFingerprints: { 'edgectl/v1': fingerprint(finding) },
    ...(fresh === undefined ? {} : { baselineState: isNew ? 'new' : 'unchanged' }),
    ...(finding.class === 'expected'
      ? { suppressions: [{ kind: 'external', status: 'accepted', justification: messageText(why) }] }
      : {}),
    properties: { class: finding.class, severity: finding.severity, attribute: finding.attribute, nodes: nodes.length },
  };
}

function judged({ class: thought, severity }: FoldedFinding): { kind: string; level: string } {
  if (thought === 'unknown') return { kind: 'open', level: 'none' };
  if (thought !== 'unexpected') return { kind: 'fail', level: 'note' };
  return { kind: 'fail', level: severity === 'security' ? 'error' : severity === 'breaking' ? 'warning' : 'note' };
}

/** Braces are placeholders (3.11.5) and `[text](target)` is a link (3.11.6), also in plain messages. */
function messageText(text: string): string {
  return text.replaceAll('{', '{{').replaceAll('}', '}}').replaceAll('](', '] (');
}

/** The same difference tomorrow is the same result, whichever nodes have it. */
function fingerprint({ kind, attribute, found, expected }: FoldedFinding): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, attribute, found, expected]))
    .digest('hex');
}

function key(
  { kind, attribute, found, expected }: Pick<Finding, 'kind' | 'attribute' | 'found' | 'expected'>,
  node: string,
): string {
  return JSON.stringify([kind, attribute, found, expected, node]);
}
