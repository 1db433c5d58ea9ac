import { Advisories } from '../../../../src/drift/advisories.js';
import { assess } from '../../../../src/drift/assess.js';
import { folded } from '../../../../src/drift/fold.js';
import type { GroupBy } from '../../../../src/drift/fold.js';
import { reportOf } from '../../../../src/drift/report.js';
import type { DriftReport } from '../../../../src/drift/report.js';
import type { FleetNode } from '../../../../src/fleet/types.js';
import type { ReportedDrift } from '../../../../src/render/drift/reported.js';
import { input, node, now, reached, seen, wants } from '../../drift/sample.js';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const tool = { name: 'edgectl', version: '0.1.0' };
const sites = ['berlin', 'genoa', 'lyon', 'oslo'];

function fleet(): FleetNode[] {
  return sites.flatMap((site) =>
    Array.from({ length: 10 }, (_, index) =>
      node(`pos-${site}-${String(index + 1).padStart(3, '0')}`, { site, labels: { role: 'pos' } }),
    ),
  );
}

/** A fleet in which there is one of everything that a report can tell. */
export function sampleDrift(groupBy: GroupBy = 'attribute'): ReportedDrift {
  const nodes = fleet();
  const ids = nodes.map(({ id }) => id);
  const at = (days: number): string => new Date(Date.parse(now) - days * 86_400_000).toISOString();
  const observations = ids.flatMap((id, index) => {
    const old = index === 19 || index === 33;
    return [
      ...seen(id, { 'os.arch': 'amd64', 'kernel.release': index < 38 ? '6.1.0-26' : '6.1.0-20' }, { since: at(40) }),
      ...seen(id, { 'sysctl.vm.swappiness': index < 9 ? '60' : '10' }, { since: at(3) }),
      ...seen(id, { 'file./etc/motd.digest': index === 12 ? digest('7') : digest('a') }, { since: at(0.03) }),
      ...seen(
        id,
        {
          'runtime.runc.version': old ? '1.1.15' : '1.3.6',
          'runtime.runc.bundle': old ? digest('1') : digest('2'),
          'runtime.containerd.version': index === 39 ? '1.7.24' : '2.1.9',
          'runtime.containerd.bundle': index === 39 ? digest('3') : digest('4'),
          'runtime.containerd.running': index === 21 ? '1.7.24' : '2.1.9',
          'unit.ssh.service.active': index === 5 ? '?timeout' : 'active',
          'os.timezone': index < 15 ? 'Etc/UTC' : index < 28 ? 'Europe/Berlin' : 'Europe/Oslo',
          'package.curl': index === 7 ? '8.5' : '8.6',
        },
        { since: at(12) },
      ),
    ];
  });
  const offline = ['pos-oslo-003', 'pos-oslo-010'];
  const contacts = [...reached(ids.filter((id) => !offline.includes(id))), ...reached(offline, false)];
  const rule = (glob: string, expires: string) => ({
    matches: (_id: string, attribute: string) => attribute === glob,
    reason: 'pinned until the reader is certified',
    owner: 'ops@example.org',
    expires,
    where: { file: 'drift.yaml', line: 3, column: 5 },
  });
  const assessment = assess(
    input({
      nodes,
      contacts,
      observations: observations.map((one) => (offline.includes(one.node) ? { ...one, seenAt: at(3) } : one)),
      expectations: [
        wants('runtime.runc.bundle', digest('2'), ids, {
          says: '1.3.6',
          where: { file: 'runtimes.yaml', line: 1, column: 1 },
        }),
        wants('runtime.containerd.bundle', digest('4'), ids, {
          says: '2.1.9',
          where: { file: 'runtimes.yaml', line: 1, column: 1 },
        }),
        wants('sysctl.vm.swappiness', '10', ids, {
          severity: 'cosmetic',
          where: { file: 'desired.yaml', line: 4, column: 27 },
        }),
        wants('file./etc/motd.digest', digest('a'), ids, { says: 'as in files/motd' }),
        wants('unit.ssh.service.active', 'active', ids),
        wants('package.curl', '8.6', ids, { severity: 'cosmetic' }),
      ],
      advisories: new Advisories({
        file: 'advisories.yaml',
        value: { 'CVE-2025-31133': { component: 'runc', fixed: ['1.2.8', '1.3.3'], summary: 'container breakout' } },
        placeOf: () => ({ line: 1, column: 1 }),
      }),
      pending: [
        { node: 'pos-oslo-010', component: 'containerd', digest: digest('4'), run: '01JD8QAZ0Y5V9W3K7M2N4P6R8T' },
      ],
      rules: [rule('package.curl', '2026-12-31T23:59:59.999Z'), rule('kernel.release', '2026-03-01T23:59:59.999Z')],
      peers: { by: ['role'], majority: 2 / 3, attributes: ['kernel.release', 'os.timezone'] },
      restless: new Map([['pos-genoa-003', new Map([['file./etc/motd.digest', 7]])]]),
    }),
  );
  return reported({ nodes, contacts, assessment, groupBy });
}

function reported(
  given: Pick<Parameters<typeof reportOf>[0], 'nodes' | 'contacts' | 'assessment' | 'groupBy'>,
): ReportedDrift {
  const { report, findings } = reportOf({
    ...given,
    fleet: { id: '01JD8Q2V9Y3K5M7N9P1R3T5V7X', name: 'acme-retail' },
    now,
  });
  return { tool, report, findings, folded: folded(findings, 'attribute', given.nodes), nodes: given.nodes };
}

/** A report of values that a node of bad will sent. */
export function hostileDrift(values: readonly string[]): ReportedDrift {
  const nodes = values.map((_, index) => node(`n${index}`));
  const ids = nodes.map(({ id }) => id);
  const observations = values.flatMap((value, index) => {
    const attributes = { 'sysctl.kernel.hostname': 'x', 'runtime.runc.version': 'x', [`file./${value}.mode`]: 'x' };
    return seen(ids[index] ?? '', attributes).map((one) => ({ ...one, value }));
  });
  const peers = { by: [], majority: 0.6, attributes: ['runtime.*', 'file.*'] };
  const expectations = [wants('sysctl.kernel.hostname', 'good', ids)];
  const assessment = assess(input({ nodes, observations, expectations, peers }));
  return reported({ nodes, contacts: reached(ids), assessment, groupBy: 'attribute' });
}

/** A report in which nothing differs. */
export function quietDrift(): DriftReport {
  const nodes = [node('a')];
  const observations = seen('a', { 'os.arch': 'amd64' });
  const assessment = assess(input({ nodes, observations }));
  return reported({ nodes, contacts: reached(['a']), assessment, groupBy: 'attribute' }).report;
}
