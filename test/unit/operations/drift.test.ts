import { describe, expect, it } from 'vitest';
import { builtinPolicies } from '../../../src/fleet/builtin-policies.js';
import type { Fleet } from '../../../src/fleet/types.js';
import { driftReport, failsOn } from '../../../src/operations/drift/report.js';
import { timeOf } from '../../../src/operations/drift/since.js';
import { memorySource, nodes, now, reached } from '../drift/sample.js';

const fleet: Fleet = {
  dir: '/fleet',
  id: '01JD8Q2V9Y3K5M7N9P1R3T5V7X',
  name: 'acme',
  lab: false,
  digest: '',
  source: 'runtimes.yaml @ e69de29',
  nodes: nodes(3),
  runtimes: [],
  desired: {
    blocks: [
      {
        file: 'desired.yaml',
        value: [{ sysctls: { 'vm.swappiness': '10' } }],
        placeOf: () => ({ line: 1, column: 1 }),
      },
    ],
    contents: new Map(),
  },
  policies: new Map(builtinPolicies.map((policy) => [policy.name, policy])),
  knownHostsFile: '/fleet/known_hosts',
  allowedSignersFile: '/fleet/trust/allowed_signers',
};
const ids = fleet.nodes.map(({ id }) => id);
const at = (hours: number): string => new Date(Date.parse(now) - hours * 3_600_000).toISOString();
/** One value of an attribute since so many hours ago. */
const was = (node: string, hours: number, value: string, attribute = 'sysctl.vm.swappiness') => ({
  ...{ node, attribute, value, seenAt: now, since: at(hours) },
});
const sources = (changes: ReturnType<typeof was>[]) => ({
  fleet,
  source: memorySource(changes, reached(ids)),
  pending: [],
  now: Date.parse(now),
});
const old = [was('pos-001', 90, '60'), was('pos-002', 90, '10'), was('pos-003', 90, '60')];

describe('a report since a time', () => {
  const changes = [...old, was('pos-002', 2, '60'), was('pos-003', 1, '10')];

  it('has what is there now and was not then, and counts what is gone', async () => {
    const result = await driftReport({ groupBy: 'attribute', since: { at: at(24) } }, sources(changes));
    expect(result.report.findings.map((one) => one.nodes)).toEqual([['pos-002']]);
    expect(result.report.since).toEqual({ at: at(24), new: 1, gone: 1 });
    expect(result.report.counts.unexpected).toBe(1);
  });

  it('has everything when only what to fail on asks what is new', async () => {
    const result = await driftReport({ groupBy: 'attribute', newSince: at(24) }, sources(changes));
    expect(result.report.findings.map((one) => one.nodes)).toEqual([['pos-001', 'pos-002']]);
    expect(failsOn('new', result)).toBe(true);
    expect(failsOn('any', result)).toBe(true);
    expect(failsOn('security', result)).toBe(false);
    expect(failsOn('new', await driftReport({ groupBy: 'attribute', newSince: at(24) }, sources(old)))).toBe(false);
  });

  it('has the nodes that are asked for, compared with all their peers', async () => {
    const versions = ids.map((id, index) => was(id, 90, index === 2 ? 'b' : 'a', 'os.version'));
    const { report } = await driftReport({ groupBy: 'attribute', on: 'pos-003' }, sources([...versions, ...old]));
    expect(report.nodes.total).toBe(1);
    expect(report.findings.map(({ kind, why }) => [kind, why])).toEqual([
      ['peers', '2 of 3 have a'],
      ['desired', ''],
    ]);
  });
});

describe('values that keep changing', () => {
  it('are found in the history, also while they are right', async () => {
    const flips = [6, 5, 4, 3, 2, 1].map((hours) => was('pos-002', hours, hours % 2 === 0 ? '60' : '10'));
    const { report } = await driftReport({ groupBy: 'attribute' }, sources([...old, ...flips]));
    expect(report.findings.find(({ kind }) => kind === 'flapping')).toMatchObject({
      nodes: ['pos-002'],
      changes: 6,
      why: 'it is right now',
    });
  });

  it('are not what a first sweep brought', async () => {
    const first = ids.map((id) => was(id, 1, '10'));
    const { report } = await driftReport({ groupBy: 'attribute' }, sources(first));
    expect(report.findings).toEqual([]);
  });
});

describe('--since', () => {
  it.each([
    ['24h', '2026-03-09T12:00:00.000Z'],
    ['2026-03-01', '2026-03-01T00:00:00.000Z'],
    ['2026-03-01T10:00', '2026-03-01T10:00:00.000Z'],
    ['2026-03-01T10:00:00+02:00', '2026-03-01T08:00:00.000Z'],
    ['last', undefined],
    ['01JD8QAZ0Y5V9W3K7M2N4P6R8T', undefined],
  ])('%s is %s', (word, time) => {
    expect(timeOf(word, Date.parse(now))).toBe(time);
  });

  it('takes no time that has not come, and no day that there is not', () => {
    for (const word of ['2027-01-01', '2026-02-40'])
      expect(() => timeOf(word, Date.parse(now))).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
  });
});
