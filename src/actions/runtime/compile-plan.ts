import type { StoredBundle } from '../../bundle/types.js';
import type { DesiredRuntime, Fleet, FleetNode, RolloutPolicy } from '../../fleet/types.js';
import type { KitIdentity } from '../../node/protocol.js';
import type { ComponentState } from '../../node/types.js';
import type { ComponentDigests, NodeState, Plan, PlanChange, PlanNode, PlanStage, Step } from '../../plan/types.js';

/** What the operator saw of a node when the plan was made. */
export type Observation =
  | {
      seen: true;
      /** RFC 3339, UTC. */
      at: string;
      arch: string;
      os: string;
      /** Components of the active generation. */
      components: Readonly<Record<string, ComponentState>>;
      /** Versions of the distribution's own builds that were not adopted yet. */
      unmanaged: Readonly<Record<string, string>>;
      /** Highest series that the node has committed. */
      series: number;
      /** What its kit says of itself; absent for one from before it could be upgraded. */
      kit?: KitIdentity;
      /** `systemd` or `sandbox`. */
      init?: string;
    }
  | { seen: false; state: NodeState; why: string; arch?: string; os?: string };

/** Everything that a runtime plan is made of; no I/O behind any of it. */
export interface RuntimePlanInput {
  fleet: Fleet;
  /** Nodes that `--on` leaves, in service or drained. */
  nodes: readonly FleetNode[];
  desired: readonly { runtime: DesiredRuntime; nodes: ReadonlySet<string> }[];
  observed: ReadonlyMap<string, Observation>;
  bundles: ReadonlyMap<string, StoredBundle & { signedBy: string }>;
  policy: RolloutPolicy;
  kind: 'runtime' | 'rollback';
  runId: string;
  seed: string;
  series: number;
  tool: string;
  now: Date;
  undoes?: string;
  /** Turns candidates into stages (src/plan/stages.ts, with policy and canary bound). */
  stage: (nodes: readonly StageCandidate[]) => PlanStage[];
  steps: (node: PlanNode, health: Plan['health'], nodeDeadlineMs: number) => Step[];
  slices: (plan: Omit<Plan, 'digest' | 'authority' | 'slices'>) => Record<string, string>;
}

/** A node as the stage resolver wants it. */
export interface StageCandidate {
  id: string;
  site: string;
  region: string;
  arch: string;
  os: string;
  wariness: number;
  labels: Readonly<Record<string, string>>;
  /** Cannot be a canary now: unseen at plan time. */
  absent: boolean;
}

/** Seconds for which a slice stays acceptable to a node: an offline node may come back weeks later. */
const sliceLifetimeS = 90 * 24 * 3600;

/** Compiles desired state and observations into a plan without digest and authority. Pure. */
export function compileRuntimePlan(input: RuntimePlanInput): Omit<Plan, 'digest' | 'authority'> {
  const nodes = input.nodes.map((node) => planNode(input, node));
  const byId = new Map(input.nodes.map((node) => [node.id, node]));
  const staged = input.stage(nodes.filter(hasWork).map((node) => candidate(node, byId.get(node.id))));
  const stageOf = new Map(staged.flatMap((stage) => stage.nodes.map((id) => [id, stage] as const)));
  for (const node of nodes) node.stage = stageOf.get(node.id)?.name ?? null;
  const health = input.policy.health;
  const plan = {
    schema: 1 as const,
    tool: input.tool,
    id: input.runId,
    kind: input.kind,
    fleet: { id: input.fleet.id, name: input.fleet.name, digest: input.fleet.digest },
    createdAt: input.now.toISOString(),
    validUntil: new Date(input.now.getTime() + input.policy.validForMs).toISOString(),
    series: input.series,
    expires: Math.floor(input.now.getTime() / 1000) + sliceLifetimeS,
    seed: input.seed,
    policy: {
      name: input.policy.name,
      rehearsal: input.policy.rehearsal,
      maxFailed: input.policy.maxFailed,
      maxStale: input.policy.maxStale,
    },
    health,
    changes: changes(input, nodes),
    nodes,
    stages: staged,
    steps: nodes.flatMap((node) => {
      const stage = stageOf.get(node.id);
      return stage ? input.steps(node, health, stage.nodeDeadlineMs) : [];
    }),
    ...(input.undoes ? { undoes: input.undoes } : {}),
  };
  return { ...plan, slices: input.slices(plan) };
}

/** Is there anything to change on the node, as far as was seen? */
export function hasWork(node: PlanNode): boolean {
  return Object.keys(node.expectAfter).length > 0;
}

function planNode(input: RuntimePlanInput, node: FleetNode): PlanNode {
  const seen = input.observed.get(node.id);
  const arch = seen?.arch ?? node.labels['arch'] ?? '';
  const wanted = wantedDigests(input, node.id, arch);
  const before: ComponentDigests = {};
  const after: ComponentDigests = {};
  for (const [component, digest] of Object.entries(wanted.digests)) {
    const now = seen?.seen ? (seen.components[component]?.digest ?? null) : null;
    if (seen?.seen && now === digest) continue;
    before[component] = now;
    after[component] = digest;
  }
  const skip = skipReason(node, seen, wanted.missingArch, Object.keys(after).length > 0);
  const base = { id: node.id, site: node.site, region: node.region, arch, os: seen?.os ?? '', stage: null };
  if (skip && !skip.later)
    return {
      ...base,
      observed: observedOf(seen),
      expectBefore: {},
      expectAfter: {},
      intent: false,
      skip: { state: skip.state, why: skip.why },
    };
  return {
    ...base,
    observed: observedOf(seen),
    expectBefore: before,
    expectAfter: after,
    intent: !seen?.seen,
    ...(skip ? { skip: { state: skip.state, why: skip.why } } : {}),
  };
}

function wantedDigests(
  input: RuntimePlanInput,
  node: string,
  arch: string,
): { digests: Record<string, string>; missingArch: string | null } {
  const digests: Record<string, string> = {};
  let missingArch: string | null = null;
  for (const { runtime, nodes } of input.desired) {
    if (!nodes.has(node)) continue;
    const all = Object.values(runtime.digests);
    const digest =
      runtime.digests[arch] ?? runtime.digests['all'] ?? (arch === '' && all.length === 1 ? all[0] : undefined);
    if (digest) digests[runtime.component] = digest;
    else missingArch = runtime.component;
  }
  return { digests: missingArch ? {} : digests, missingArch };
}

/** `later`: the node stays in the plan and joins when it can. */
function skipReason(
  node: FleetNode,
  seen: Observation | undefined,
  missingArch: string | null,
  work: boolean,
): { state: NodeState; why: string; later: boolean } | null {
  if (node.state !== 'in-service') return { state: 'skipped', why: node.state, later: false };
  if (missingArch)
    return {
      state: 'skipped',
      why: `no bundle of ${missingArch} for ${seen?.arch ? seen.arch : 'its unknown architecture'}`,
      later: false,
    };
  if (seen && !seen.seen)
    return { state: seen.state, why: seen.why, later: seen.state === 'offline' || seen.state === 'blocked' };
  if (!work) return { state: 'noop', why: 'already there', later: false };
  return null;
}

function observedOf(seen: Observation | undefined): PlanNode['observed'] {
  if (!seen?.seen) return null;
  const components: ComponentDigests = {};
  const versions: Record<string, string> = { ...seen.unmanaged };
  for (const [name, state] of Object.entries(seen.components)) {
    components[name] = state.digest;
    versions[name] = state.version;
  }
  return { at: seen.at, components, versions };
}

function candidate(node: PlanNode, fleetNode: FleetNode | undefined): StageCandidate {
  return {
    id: node.id,
    site: node.site,
    region: node.region,
    arch: node.arch,
    os: node.os,
    wariness: fleetNode?.wariness ?? 0,
    labels: fleetNode?.labels ?? {},
    absent: node.intent,
  };
}

function changes(input: RuntimePlanInput, nodes: readonly PlanNode[]): PlanChange[] {
  const rows = new Map<string, PlanChange & { versions: Set<string> }>();
  for (const node of nodes) {
    for (const [component, digest] of Object.entries(node.expectAfter)) {
      const key = `${component} ${digest ?? 'none'}`;
      const bundle = digest ? input.bundles.get(digest) : undefined;
      const row = rows.get(key) ?? {
        component,
        to: digest
          ? { version: bundle?.version ?? '?', digest, size: bundle?.size ?? 0, signedBy: bundle?.signedBy ?? '' }
          : null,
        from: [],
        nodes: 0,
        versions: new Set<string>(),
      };
      row.nodes += 1;
      const from = node.observed?.versions[component];
      if (node.observed) row.versions.add(from ?? 'none');
      rows.set(key, row);
    }
  }
  return [...rows.values()].map(({ versions, ...row }) => ({ ...row, from: [...versions].sort() }));
}
