import { defaultPolicy } from './builtin-policies.js';
import type { PolicyFile } from './schema/policy-file.js';
import type { RolloutPolicy, RolloutPolicyStage } from './types.js';

/** Numbers stay numbers in a plan, percentages stay text until the number of nodes is known. */
function size(written: string): number | string {
  return written.endsWith('%') ? written : Number(written);
}

function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

type StageFile = NonNullable<PolicyFile['stages']>[number];

function resolveStage(stage: StageFile): RolloutPolicyStage {
  return {
    name: stage.name,
    ...(stage.select === undefined ? {} : { select: defined(stage.select) }),
    ...(stage.concurrency === undefined ? {} : { concurrency: size(stage.concurrency) }),
    ...(stage.budget === undefined
      ? {}
      : { budget: { groupBy: stage.budget.groupBy, maxUnavailable: stage.budget.maxUnavailable ?? 1 } }),
    ...(stage.nodeDeadline === undefined ? {} : { nodeDeadlineMs: stage.nodeDeadline }),
    ...(stage.progressDeadline === undefined ? {} : { progressDeadlineMs: stage.progressDeadline }),
    ...(stage.offline === undefined ? {} : { offline: defined(stage.offline) }),
    ...(stage.gate === undefined ? {} : { gate: defined(stage.gate) }),
    ...(stage.soak === undefined ? {} : { soakMs: stage.soak }),
  };
}

/** A stage that is called like a built-in one takes from it what it leaves out; `canary` without a limit is never everybody. */
function inherit(stage: RolloutPolicyStage): RolloutPolicyStage {
  const base = defaultPolicy.stages.find((candidate) => candidate.name === stage.name);
  if (base === undefined) return stage;
  const { maxFailed, ...gate } = base.gate ?? {};
  // A written percentage must not be undone by a number that nobody wrote.
  const bound = stage.gate?.success === undefined && maxFailed !== undefined ? { maxFailed } : {};
  return { ...base, ...stage, gate: { ...gate, ...bound, ...stage.gate } };
}

/** A policy from its file; what the file leaves out is taken from the built-in default. */
export function resolvePolicy(name: string, file: PolicyFile): RolloutPolicy {
  const base = defaultPolicy;
  return {
    name,
    rehearsal: file.rehearsal ?? false,
    stages: file.stages === undefined ? base.stages : file.stages.map((stage) => inherit(resolveStage(stage))),
    ramp: { start: file.ramp?.start ?? base.ramp.start, factor: file.ramp?.factor ?? base.ramp.factor },
    health: {
      windowS: file.health?.window ?? base.health.windowS,
      passes: file.health?.passes ?? base.health.passes,
      capS: file.health?.cap ?? base.health.capS,
      confirmS: file.health?.confirm ?? base.health.confirmS,
    },
    maxFailed: file.maxFailed ?? base.maxFailed,
    maxStale: file.maxStale ?? base.maxStale,
    validForMs: file.validFor ?? base.validForMs,
  };
}
