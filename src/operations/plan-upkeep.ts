import { ulid } from 'ulid';
import { isTx } from '../actions/runtime/answers.js';
import { compileSteps } from '../actions/runtime/compile.js';
import { observe } from '../executor/observed.js';
import type { Fleet, FleetNode } from '../fleet/types.js';
import type { KitLine } from '../node/types.js';
import { outcomeOfRefusal, outcomeOfSilence } from '../plan/outcomes.js';
import { buildSlices, type SliceOptions, type StateChoice } from '../plan/slice.js';
import { resolveFastPath } from '../plan/stages.js';
import type { Plan, PlanNode } from '../plan/types.js';
import { mapLimit } from '../util/map-limit.js';
import { authorisePlan } from './authorise.js';
import { policyNamed } from './plan-runtime.js';
import type { Workbench } from './workbench.js';

type Bench = Pick<Workbench, 'fleet' | 'client' | 'around'>;
type Denied = Readonly<Record<string, readonly string[]>>;

/** Plans the removal of everything of edgectl from nodes; a node with a runtime of class C refuses unless its state may stay migrated. */
export async function planEject(
  nodes: readonly FleetNode[],
  bench: Bench,
  options: { acceptIrreversible?: boolean } = {},
): Promise<Plan> {
  const asked = await mapLimit(nodes, 256, async (node) => await ask(node, bench));
  const keep = (one: Asked): Record<string, StateChoice> =>
    Object.fromEntries(one.components.map((component) => [component, 'keep' as const]));
  const state = options.acceptIrreversible ? Object.fromEntries(asked.map((one) => [one.node.id, keep(one)])) : {};
  return await upkeepPlan('eject', asked, bench, { state });
}

/** Plans the lifting of every denied bundle on nodes; null when no node denies one. */
export async function planUndeny(nodes: readonly FleetNode[], bench: Bench): Promise<Plan | null> {
  const asked = await mapLimit(nodes, 256, async (node) => await ask(node, bench));
  const denied = Object.fromEntries(
    asked.flatMap((one) => (Object.keys(one.denied).length > 0 ? [[one.node.id, one.denied]] : [])),
  );
  const concerned = asked.filter((one) => one.node.id in denied);
  return concerned.length === 0 ? null : await upkeepPlan('undeny', concerned, bench, { undeny: denied });
}

interface Asked {
  node: PlanNode;
  series: number;
  denied: Denied;
  /** What is committed there, as far as it answers. */
  components: string[];
}

async function ask(node: FleetNode, bench: Bench): Promise<Asked> {
  const answer = await bench.client.call(
    node.id,
    { verb: 'status', fields: {}, timeoutMs: 30_000 },
    bench.around.signal,
  );
  const base: PlanNode = {
    id: node.id,
    site: node.site,
    region: node.region,
    arch: '',
    os: '',
    stage: null,
    observed: null,
    expectBefore: {},
    expectAfter: {},
    intent: answer.kind !== 'ok',
  };
  if (answer.kind === 'ok') {
    const components = Object.keys(observe(answer.lines)?.components ?? {});
    return { node: base, series: highestSeries(answer.lines), denied: deniedOn(answer.lines), components };
  }
  const outcome = answer.kind === 'refused' ? outcomeOfRefusal(answer) : outcomeOfSilence(answer, false);
  return {
    node: { ...base, skip: { state: outcome.state, why: outcome.message } },
    series: 0,
    denied: {},
    components: [],
  };
}

function deniedOn(lines: readonly KitLine[]): Denied {
  const denied: Record<string, string[]> = {};
  for (const line of lines) {
    const { component, digest } = line;
    if (line.t !== 'denied' || typeof component !== 'string' || typeof digest !== 'string') continue;
    denied[component] = [...(denied[component] ?? []), digest];
  }
  return denied;
}

function highestSeries(lines: readonly KitLine[]): number {
  return Math.max(0, ...lines.filter(isTx).map((tx) => Number(tx['slice_series'] ?? 0)));
}

async function upkeepPlan(
  kind: 'eject' | 'undeny',
  asked: readonly Asked[],
  bench: Bench,
  lines: Pick<SliceOptions, 'undeny' | 'state'>,
): Promise<Plan> {
  const now = bench.around.now();
  const policy = policyNamed(bench.fleet);
  const seed = bench.around.randomHex(8);
  const nodes = asked.map((one) => one.node);
  const reachable = nodes.filter((node) => node.skip === undefined || node.skip.state === 'offline');
  const stages = resolveFastPath({
    nodes: reachable.map((node) => ({ ...node, wariness: 0 })),
    seed,
    policy,
    name: kind,
    skip: new Set(reachable.filter((node) => node.intent).map((node) => node.id)),
  });
  for (const node of reachable) node.stage = stages[0]?.name ?? null;
  const { id, name, digest }: Fleet = bench.fleet;
  const plan = {
    schema: 1 as const,
    tool: bench.around.tool,
    id: ulid(now),
    kind,
    fleet: { id, name, digest },
    createdAt: new Date(now).toISOString(),
    validUntil: new Date(now + policy.validForMs).toISOString(),
    series: Math.max(now, ...asked.map((one) => one.series + 1)),
    expires: Math.floor(now / 1000) + 90 * 24 * 3600,
    seed,
    policy: { name: policy.name, rehearsal: policy.rehearsal, maxFailed: policy.maxFailed, maxStale: policy.maxStale },
    health: policy.health,
    changes: [],
    nodes,
    stages,
    steps: reachable.flatMap((node) => compileSteps({ kind, node, actual: null, health: policy.health })),
  };
  const slices = buildSlices(plan, { versionOf: () => '0', ...lines });
  return await authorisePlan({ ...plan, slices }, bench.around);
}
