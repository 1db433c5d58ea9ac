import { ulid } from 'ulid';
import type { Observation, StageCandidate } from '../actions/runtime/compile-plan.js';
import { compileRuntimePlan } from '../actions/runtime/compile-plan.js';
import { compileSteps } from '../actions/runtime/compile.js';
import type { WritableBundleStore } from '../bundle/store.js';
import { EdgectlError } from '../errors/error.js';
import { didYouMean } from '../fleet/suggest.js';
import type { Fleet, FleetNode, RolloutPolicy } from '../fleet/types.js';
import type { KitCaller } from '../node/types.js';
import { buildSlices } from '../plan/slice.js';
import { resolveStages } from '../plan/stages.js';
import type { Plan } from '../plan/types.js';
import { authorisePlan } from './authorise.js';
import type { FetchBundle, VouchedBundle } from './bundles.js';
import { vouchedBundles } from './bundles.js';
import type { Desired } from './desired.js';
import { desiredRuntimes } from './desired.js';
import type { ObserveOptions } from './observe.js';
import { observeNodes } from './observe.js';
import type { Surroundings } from './surroundings.js';

/** What `rollout runtime` was asked for. */
export interface RuntimeRequest {
  /** `NAME` or `NAME@VERSION`; all of runtimes.yaml when empty. */
  names: readonly string[];
  on?: string;
  policy?: string;
  /** `5%` or a number of nodes. */
  canary?: string;
  emergency?: boolean;
}

/** What a plan is made with. */
export interface PlanningContext {
  fleet: Fleet;
  kit: KitCaller;
  store: WritableBundleStore;
  fetch: FetchBundle;
  around: Surroundings;
  onNode?: (done: number, total: number) => void;
  remember?: ObserveOptions['remember'];
}

/** Looks at the nodes, compiles desired state and what was seen into a plan, and signs it. Changes nothing. */
export async function planRuntime(request: RuntimeRequest, context: PlanningContext): Promise<Plan> {
  const { fleet } = context;
  const policy = policyNamed(fleet, request.policy);
  const desired = desiredRuntimes(fleet, request.names, request.on);
  const bundles = await vouchedBundles(
    desired.runtimes.map(({ runtime }) => runtime),
    context,
  );
  const components = [...new Set(desired.runtimes.map(({ runtime }) => runtime.component))];
  const observed = await observeInService(desired.nodes, components, context);
  return await planRollout({ desired, bundles, observed, policy }, request, context);
}

/** Looks at the nodes that are in service. */
export async function observeInService(
  nodes: readonly FleetNode[],
  components: readonly string[],
  context: PlanningContext,
): Promise<Map<string, Observation>> {
  const inService = nodes.filter((node) => node.state === 'in-service').map((node) => node.id);
  return await observeNodes(context.kit, inService, {
    now: context.around.now,
    components,
    signal: context.around.signal,
    ...(context.onNode ? { onNode: context.onNode } : {}),
    ...(context.remember ? { remember: context.remember } : {}),
  });
}

/** What a rollout is to bring about, and where the nodes stand. */
export interface RolloutGoal {
  desired: Desired;
  bundles: ReadonlyMap<string, VouchedBundle>;
  observed: ReadonlyMap<string, Observation>;
  policy: RolloutPolicy;
}

/** Compiles what is wanted and what was seen into stages and steps, and signs it: for runtimes and for the kit alike. */
export async function planRollout(
  { desired, bundles, observed, policy }: RolloutGoal,
  request: Pick<RuntimeRequest, 'canary' | 'emergency'>,
  { fleet, around }: PlanningContext,
): Promise<Plan> {
  const now = around.now();
  const seed = around.randomHex(8);
  const unsigned = compileRuntimePlan({
    fleet,
    nodes: desired.nodes,
    desired: desired.runtimes,
    observed,
    bundles,
    policy,
    kind: 'runtime',
    runId: ulid(now),
    seed,
    series: nextSeries(now, observed),
    tool: around.tool,
    now: new Date(now),
    stage: (candidates) =>
      resolveStages({
        nodes: candidates,
        seed,
        policy,
        skip: absent(candidates),
        ...(request.canary === undefined ? {} : { canary: request.canary }),
      }),
    steps: (node, health) =>
      compileSteps({ kind: 'runtime', node, actual: node.intent ? null : (node.observed?.components ?? {}), health }),
    slices: (plan) => buildSlices(plan, { versionOf: versionOf(bundles), emergency: request.emergency === true }),
  });
  return await authorisePlan(unsigned, around);
}

/** The policy of that name; `default` when none is named. Throws POLICY_INVALID. */
export function policyNamed(fleet: Fleet, name = 'default'): RolloutPolicy {
  const policy = fleet.policies.get(name);
  if (policy !== undefined) return policy;
  throw new EdgectlError('POLICY_INVALID', {
    message: `There is no policy “${name}”${didYouMean(name, fleet.policies.keys())}`,
    hint: `policies: ${[...fleet.policies.keys()].join(', ')}`,
  });
}

/** A series above every node's: two laptops with unlike clocks still make plans that nodes take for newer. */
export function nextSeries(now: number, observed: ReadonlyMap<string, Observation>): number {
  let highest = 0;
  for (const node of observed.values()) if (node.seen) highest = Math.max(highest, node.series);
  return Math.max(now, highest + 1);
}

function absent(candidates: readonly StageCandidate[]): ReadonlySet<string> {
  return new Set(candidates.filter((node) => node.absent).map((node) => node.id));
}

function versionOf(bundles: ReadonlyMap<string, VouchedBundle>): (component: string, digest: string) => string {
  return (component, digest) => {
    const bundle = bundles.get(digest);
    if (bundle === undefined) throw new TypeError(`no bundle ${component} ${digest} in this plan`);
    return bundle.version;
  };
}
