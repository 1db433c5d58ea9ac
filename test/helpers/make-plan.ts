import { compileSteps } from '../../src/actions/runtime/compile.js';
import { MerkleTree } from '../../src/plan/merkle.js';
import { sealPlan } from '../../src/plan/serialise.js';
import { buildSlices, planStatement } from '../../src/plan/slice.js';
import type { Plan, PlanNode, PlanStage } from '../../src/plan/types.js';

/** Digests of the made-up bundles that tests roll out. */
export const OLD = 'a'.repeat(64);
export const NEW = 'b'.repeat(64);
export const NEWER = 'c'.repeat(64);
/** Bytes of each of them. */
export const SIZE = 20_000_000;
/** When made-up plans are made. */
export const EPOCH = Date.parse('2026-05-01T10:00:00Z');

export interface PlanShape {
  nodes: readonly string[];
  /** Stage sizes by name; one stage `all` when left out. */
  stages?: Readonly<Record<string, number>>;
  /** Applied to every stage. */
  stage?: Partial<PlanStage>;
  /** Nodes that could not be seen. */
  intents?: readonly string[];
  /** Distinguishes plans; later ones have later run ids and series. */
  run?: number;
  policy?: Partial<Plan['policy']>;
  from?: string;
  to?: string;
  sites?: Readonly<Record<string, string>>;
  kind?: Plan['kind'];
}

const defaults: Omit<PlanStage, 'name' | 'nodes'> = {
  first: 0,
  concurrency: 10,
  ramp: { start: 10, factor: 2 },
  budget: { groupBy: 'none', maxUnavailable: 1 },
  nodeDeadlineMs: 20 * 60_000,
  progressDeadlineMs: 60 * 60_000,
  soakMs: 0,
  offline: { mode: 'defer', max: 1000 },
  gate: { success: 0.9, minSample: 1, maxFailed: 0, onFail: 'pause' },
};

/** A complete, signed-looking plan that moves component `rt` from OLD to NEW. */
export function makePlan(shape: PlanShape): Plan {
  const id = `01JTEST00000000000000${String(shape.run ?? 1).padStart(5, '0')}`;
  const from = shape.from ?? OLD;
  const to = shape.to ?? NEW;
  const stages: PlanStage[] = [];
  let at = 0;
  for (const [name, size] of Object.entries(shape.stages ?? { all: shape.nodes.length })) {
    stages.push({ ...defaults, ...shape.stage, name, nodes: shape.nodes.slice(at, at + size) });
    at += size;
  }
  const nodes = shape.nodes.map((node): PlanNode => {
    const intent = shape.intents?.includes(node) === true;
    return {
      id: node,
      site: shape.sites?.[node] ?? 'one',
      region: 'here',
      arch: 'amd64',
      os: 'debian-12',
      stage: stages.find((stage) => stage.nodes.includes(node))?.name ?? null,
      observed: intent
        ? null
        : { at: new Date(EPOCH).toISOString(), components: { rt: from }, versions: { rt: '1.0' } },
      expectBefore: intent ? {} : { rt: from },
      expectAfter: { rt: to },
      intent,
    };
  });
  const health = { windowS: 10, passes: 3, capS: 60, confirmS: 60 };
  const body = {
    schema: 1 as const,
    tool: 'edgectl/0.1.0',
    id,
    kind: shape.kind ?? ('runtime' as const),
    fleet: { id: 'FLEET', name: 'test', digest: 'f'.repeat(64) },
    createdAt: new Date(EPOCH).toISOString(),
    validUntil: new Date(EPOCH + 3_600_000).toISOString(),
    series: EPOCH + (shape.run ?? 1),
    expires: EPOCH / 1000 + 7 * 86_400,
    seed: 'seed',
    policy: { name: 'default', rehearsal: false, maxFailed: 0, maxStale: 0, ...shape.policy },
    health,
    changes: [
      {
        component: 'rt',
        to: { version: '2.0', digest: to, size: SIZE, signedBy: 'ana' },
        from: ['1.0'],
        nodes: nodes.length,
      },
    ],
    nodes,
    stages,
  };
  const slices = buildSlices(body, {
    versionOf: (_component, digest) => (digest === OLD ? '1.0' : digest === NEW ? '2.0' : '3.0'),
  });
  const steps = nodes
    .filter((node) => !node.intent && node.stage !== null)
    .flatMap((node) => compileSteps({ kind: body.kind, node, actual: node.expectBefore, health }));
  const { root } = new MerkleTree(slices);
  return sealPlan({
    ...body,
    steps,
    slices,
    authority: { root, statement: planStatement(body, root), signature: 'SIGNATURE' },
  });
}
