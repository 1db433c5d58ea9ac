import type { Plan, PlanNode, PlanStage } from '../../../src/plan/types.js';

const digest = (byte: string): string => byte.repeat(32);

function planNode(id: string, more: Partial<PlanNode> = {}): PlanNode {
  return {
    id,
    site: id.split('-')[1] ?? 'berlin',
    region: 'eu',
    arch: 'amd64',
    os: 'Debian 12',
    stage: 'rest',
    observed: { at: '2026-03-01T12:00:00Z', components: {}, versions: {} },
    expectBefore: {},
    expectAfter: {},
    intent: false,
    ...more,
  };
}

function planStage(name: string, nodes: string[], more: Partial<PlanStage> = {}): PlanStage {
  return {
    name,
    nodes,
    first: 0,
    concurrency: 10,
    ramp: { start: 10, factor: 2 },
    budget: { groupBy: 'site', maxUnavailable: 1 },
    nodeDeadlineMs: 900_000,
    progressDeadlineMs: 3_600_000,
    soakMs: 0,
    offline: { mode: 'defer', max: 5 },
    gate: { success: 0.9, minSample: 1, maxFailed: 2, onFail: 'pause' },
    ...more,
  };
}

/** A plan for 44 nodes: two canaries, 36 others, one offline, one vetoed, four as they should be. */
export function samplePlan(): Plan {
  const rest = Array.from({ length: 36 }, (_, index) => `pos-genoa-${String(index + 1).padStart(3, '0')}`);
  const nodes = [
    planNode('pos-berlin-007', { stage: 'canary' }),
    planNode('gw-lyon-02', { stage: 'canary', arch: 'arm64', os: 'Debian 13' }),
    ...rest.map((id) => planNode(id)),
    planNode('pos-oslo-003', {
      stage: null,
      observed: { at: '2026-02-26T12:00:00Z', components: {}, versions: {} },
      skip: { state: 'offline', why: 'connection refused' },
    }),
    planNode('pos-rome-001', { stage: null, skip: { state: 'blocked', why: 'till open' } }),
    ...[1, 2, 3, 4].map((number) =>
      planNode(`pos-nice-00${number}`, { stage: null, skip: { state: 'noop', why: 'already there' } }),
    ),
  ];
  return {
    schema: 1,
    tool: 'edgectl/0.1.0',
    id: '01JD8QAZ0Y5V9W3K7M2N4P6R8T',
    kind: 'runtime',
    fleet: { id: '01JD8PZZZZZZZZZZZZZZZZZZZZ', name: 'acme-retail', digest: digest('ab') },
    createdAt: '2026-03-01T12:00:05Z',
    validUntil: '2026-03-02T12:00:05Z',
    series: 1,
    expires: 1_800_000_000,
    seed: 'seed',
    policy: { name: 'default', rehearsal: false, maxFailed: 0, maxStale: 2 },
    health: { windowS: 90, passes: 5, capS: 300, confirmS: 300 },
    changes: [
      {
        component: 'containerd',
        to: { version: '2.1.9', digest: digest('9c'), size: 41_000_000, signedBy: 'ops@acme' },
        from: ['1.7.24'],
        nodes: 38,
      },
      {
        component: 'runc',
        to: { version: '1.3.6', digest: digest('77'), size: 4_000_000, signedBy: 'ops@acme' },
        from: ['1.1.15', '1.2.0'],
        nodes: 38,
      },
    ],
    nodes,
    stages: [
      planStage('canary', ['pos-berlin-007', 'gw-lyon-02'], {
        first: 1,
        concurrency: 1,
        soakMs: 900_000,
        gate: { success: 1, minSample: 1, maxFailed: 0, onFail: 'pause' },
      }),
      planStage('rest', rest, { ramp: { start: 2, factor: 2 } }),
    ],
    steps: [],
    slices: {},
    digest: digest('00'),
    authority: { statement: '', signature: '', root: digest('00') },
  };
}
