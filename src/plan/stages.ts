import { EdgectlError } from '../errors/error.js';
import { defaultPolicy } from '../fleet/builtin-policies.js';
import type { RolloutPolicy, RolloutPolicyStage } from '../fleet/types.js';
import type { StageNode } from './canary.js';
import { inTurn, pickSample } from './canary.js';
import { resolveSize, wholeShare } from './sizes.js';
import type { PlanStage, StageGate } from './types.js';

export type { StageNode } from './canary.js';

/** What stages are made from. */
export interface StageInput {
  /** Nodes that have something to do. */
  nodes: readonly StageNode[];
  seed: string;
  policy: RolloutPolicy;
  /** `--canary`: a number of nodes or a percentage, instead of the policy's canary limit. */
  canary?: string;
  /** Nodes that cannot take part now (offline, vetoed): they go to the last stage and count for nobody's size. */
  skip?: ReadonlySet<string>;
}

const [canaryDefaults, restDefaults] = defaultPolicy.stages as readonly [RolloutPolicyStage, RolloutPolicyStage];

/** The policy's stages with `--canary` in them and an end that takes every node. */
function writtenStages(policy: RolloutPolicy, canary: string | undefined): RolloutPolicyStage[] {
  const stages = [...policy.stages];
  if (canary !== undefined) {
    const index = stages.findIndex((stage) => stage.name === 'canary');
    const found = stages[index];
    if (found === undefined) stages.unshift({ ...canaryDefaults, select: { limit: canary } });
    else stages[index] = { ...found, select: { ...found.select, limit: canary } };
  }
  const last = stages.at(-1);
  if (last === undefined || last.select?.limit !== undefined || last.select?.labels !== undefined) {
    const taken = new Set(stages.map((stage) => stage.name));
    const name =
      ['rest', 'last', 'implicit-rest', 'implicit-last'].find((candidate) => !taken.has(candidate)) ?? 'rest-of-nodes';
    stages.push({ ...restDefaults, name });
  }
  return stages;
}

function hasLabels(node: StageNode, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([key, value]) => node.labels?.[key] === value);
}

/** The nodes of one stage, out of those that are left. */
function choose(stage: RolloutPolicyStage, left: readonly StageNode[], total: number, seed: string): StageNode[] {
  const { labels, limit } = stage.select ?? {};
  const candidates = labels === undefined ? left : left.filter((node) => hasLabels(node, labels));
  if (limit === undefined) return inTurn(seed, candidates);
  return pickSample(seed, candidates, Math.min(resolveSize(limit, total, 'up'), candidates.length));
}

function resolveGate(stage: RolloutPolicyStage, size: number): StageGate {
  const success = wholeShare(stage.gate?.success ?? '90%');
  const allowed = Math.floor(size * (1 - success) + 1e-9);
  return {
    success,
    minSample: Math.min(stage.gate?.minSample ?? 1, size),
    // A gate that would pass with every node failed is none.
    maxFailed: Math.max(0, Math.min(stage.gate?.maxFailed ?? allowed, size - 1)),
    onFail: stage.gate?.onFail ?? 'pause',
  };
}

function resolveStage(
  stage: RolloutPolicyStage,
  ramp: RolloutPolicy['ramp'],
  live: readonly StageNode[],
  skipped: readonly StageNode[],
  isFirst: boolean,
): PlanStage {
  const size = live.length;
  const defaults = isFirst ? canaryDefaults : restDefaults;
  const concurrency = Math.min(
    resolveSize(stage.concurrency ?? defaults.concurrency ?? 1, size, 'down'),
    Math.max(size, 1),
  );
  const all = size + skipped.length;
  return {
    name: stage.name,
    nodes: [...live, ...skipped].map((node) => node.id),
    first: isFirst ? Math.min(1, size) : 0,
    concurrency,
    ramp: { start: Math.max(1, Math.min(ramp.start, concurrency)), factor: Math.max(1, ramp.factor) },
    budget: stage.budget ?? { groupBy: 'site', maxUnavailable: 1 },
    nodeDeadlineMs: stage.nodeDeadlineMs ?? defaults.nodeDeadlineMs ?? 0,
    progressDeadlineMs: stage.progressDeadlineMs ?? defaults.progressDeadlineMs ?? 0,
    soakMs: stage.soakMs ?? 0,
    offline: {
      mode: stage.offline?.mode ?? 'defer',
      max: Math.min(resolveSize(stage.offline?.max ?? '20%', all, 'up'), all),
    },
    gate: resolveGate(stage, size),
  };
}

/**
 * Deals nodes to stages and resolves every number of the policy. Each node is in exactly one stage; skipped ones are at
 * the end of the last, so that an offline canary's place goes to the next candidate. Sizes round up, concurrency rounds
 * down, both at least 1; the first stage begins with one node alone; stages without a node are left out.
 * Throws POLICY_INVALID when `canary` is neither a number of nodes nor a percentage.
 */
export function resolveStages(input: StageInput): PlanStage[] {
  const { nodes, seed, policy } = input;
  if (input.canary !== undefined) requireCanarySize(input.canary);
  const skip = input.skip ?? new Set<string>();
  const live = nodes.filter((node) => !skip.has(node.id));
  const skipped = inTurn(
    seed,
    nodes.filter((node) => skip.has(node.id)),
  );
  const written = writtenStages(policy, input.canary);
  let left: readonly StageNode[] = live;
  const dealt = written.map((stage) => {
    const chosen = choose(stage, left, live.length, seed);
    const taken = new Set(chosen.map((node) => node.id));
    left = left.filter((node) => !taken.has(node.id));
    return { stage, chosen };
  });
  const isLast = (index: number): boolean => index === dealt.length - 1;
  const kept = dealt.filter(({ chosen }, index) => chosen.length > 0 || (isLast(index) && skipped.length > 0));
  return kept.map(({ stage, chosen }, index) =>
    resolveStage(stage, policy.ramp, chosen, stage === written.at(-1) ? skipped : [], index === 0),
  );
}

/**
 * One stage that takes every node at once: the way back. No canary, no ramp, no unavailability budget; a node that
 * fails does not keep the others from returning.
 */
export function resolveFastPath(
  input: Omit<StageInput, 'canary' | 'policy'> & { policy: RolloutPolicy; name?: string },
): PlanStage[] {
  if (input.nodes.length === 0) return [];
  const skip = input.skip ?? new Set<string>();
  const order = inTurn(input.seed, input.nodes);
  const live = order.filter((node) => !skip.has(node.id));
  const skipped = order.filter((node) => skip.has(node.id));
  const last = input.policy.stages.at(-1) ?? restDefaults;
  const stage = resolveStage({ ...last, name: input.name ?? 'all' }, input.policy.ramp, live, skipped, false);
  const width = Math.max(1, live.length);
  return [
    {
      ...stage,
      concurrency: width,
      ramp: { start: width, factor: 1 },
      budget: { groupBy: 'none', maxUnavailable: width },
      soakMs: 0,
      offline: { mode: 'defer', max: input.nodes.length },
      gate: { success: 0, minSample: 0, maxFailed: live.length, onFail: 'pause' },
    },
  ];
}

/**
 * The largest number of nodes at once in each wave of a stage: `first` alone, then from `ramp.start` by `ramp.factor` up to `concurrency`,
 * until every one of `count` nodes has had its turn.
 */
export function waves(stage: Pick<PlanStage, 'first' | 'ramp' | 'concurrency'>, count: number): number[] {
  const sizes: number[] = [];
  let left = count;
  if (stage.first > 0 && left > 0) {
    sizes.push(Math.min(stage.first, left));
    left -= sizes[0] ?? 0;
  }
  for (let width = stage.ramp.start; left > 0; width *= stage.ramp.factor) {
    const size = Math.max(1, Math.min(Math.floor(width), stage.concurrency, left));
    sizes.push(size);
    left -= size;
  }
  return sizes;
}

function requireCanarySize(written: string): void {
  const count = /^\d{1,7}$/.test(written) ? Number(written) : undefined;
  const share = /^\d{1,3}(\.\d+)? ?%$/.test(written) ? wholeShare(written) : undefined;
  if ((count !== undefined && count >= 1) || (share !== undefined && share > 0 && share <= 1)) return;
  throw new EdgectlError('POLICY_INVALID', {
    message: `“${written}” cannot be the size of a canary stage`,
    hint: 'a number of nodes such as 3, or a percentage such as 5%',
  });
}
