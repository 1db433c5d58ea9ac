import { ulid } from 'ulid';
import { isTx } from '../actions/runtime/answers.js';
import { compileSteps } from '../actions/runtime/compile.js';
import { observe } from '../executor/observed.js';
import type { Fleet, FleetNode, RolloutPolicy } from '../fleet/types.js';
import type { KitLine } from '../node/types.js';
import { outcomeOfRefusal, outcomeOfSilence } from '../plan/outcomes.js';
import { buildSlices, type SliceOptions, type StateChoice } from '../plan/slice.js';
import { resolveFastPath, resolveStages } from '../plan/stages.js';
import type { Plan, PlanNode, PlanStage } from '../plan/types.js';
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
  const keep = (one: Found): Record<string, StateChoice> =>
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

/** Plans the removal of bundles and generations that nothing needs: what is committed, the way back and what runs stay. */
export async function planGc(
  nodes: readonly FleetNode[],
  bench: Bench,
  { snapshots }: { snapshots: boolean },
): Promise<Plan> {
  const asked = await mapLimit(nodes, 256, async (node) => await ask(node, bench));
  return await upkeepPlan('gc', asked, bench, { snapshots });
}

/** A node as it was found when the plan was made. */
export interface Asked {
  node: PlanNode;
  /** The highest series that it has seen. */
  series: number;
}

/** The same with what its kit told of it. */
interface Found extends Asked {
  denied: Denied;
  /** What is committed there, as far as it answers. */
  components: string[];
}

/** What a kind of upkeep adds to the common plan. */
export interface UpkeepDetails extends Pick<SliceOptions, 'undeny' | 'preparation' | 'state' | 'snapshots'> {
  /** A policy for stages and concurrency; one stage without a gate when absent. */
  policy?: string;
  /** At most so many nodes at once in that one stage; all when absent. */
  atOnce?: number;
}

/** A node in a plan that moves no component of it. */
export function plainNode({ id, site, region }: FleetNode, intent: boolean): PlanNode {
  const nothing = { stage: null, observed: null, expectBefore: {}, expectAfter: {} };
  return { id, site, region, arch: '', os: '', ...nothing, intent };
}

async function ask(node: FleetNode, bench: Bench): Promise<Found> {
  const answer = await bench.client.call(
    node.id,
    { verb: 'status', fields: {}, timeoutMs: 30_000 },
    bench.around.signal,
  );
  const base = plainNode(node, answer.kind !== 'ok');
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

/** A plan that moves no component: one step a node. Throws POLICY_INVALID, KEYS_NOT_FOUND, SIGNING_FAILED. */
export async function upkeepPlan(
  kind: 'eject' | 'undeny' | 'gc' | 'prepare' | 'unprepare',
  asked: readonly Asked[],
  bench: Pick<Bench, 'fleet' | 'around'>,
  details: UpkeepDetails = {},
): Promise<Plan> {
  const now = bench.around.now();
  const policy = policyNamed(bench.fleet, details.policy);
  const seed = bench.around.randomHex(8);
  const nodes = asked.map((one) => one.node);
  const reachable = nodes.filter((node) => node.skip === undefined || node.skip.state === 'offline');
  const stages = upkeepStages(kind, { nodes: reachable, seed, policy }, details);
  const stageOf = new Map(stages.flatMap((stage) => stage.nodes.map((node) => [node, stage.name])));
  for (const node of reachable) node.stage = stageOf.get(node.id) ?? null;
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
  const slices = buildSlices(plan, { versionOf: () => '0', ...details });
  return await authorisePlan({ ...plan, slices }, bench.around);
}

/** Nothing soaks here: no runtime is changed that could fall back. */
function upkeepStages(
  name: string,
  from: { nodes: readonly PlanNode[]; seed: string; policy: RolloutPolicy },
  { policy, atOnce }: UpkeepDetails,
): PlanStage[] {
  const nodes = from.nodes.map((node) => ({ ...node, wariness: 0 }));
  const skip = new Set(from.nodes.filter((node) => node.intent).map((node) => node.id));
  if (policy !== undefined)
    return resolveStages({ nodes, seed: from.seed, policy: from.policy, skip }).map((stage) => ({
      ...stage,
      soakMs: 0,
    }));
  return resolveFastPath({ nodes, seed: from.seed, policy: from.policy, name, skip }).map((stage) => {
    const concurrency = Math.min(stage.concurrency, atOnce ?? stage.concurrency);
    return { ...stage, concurrency, ramp: { start: concurrency, factor: 1 } };
  });
}
