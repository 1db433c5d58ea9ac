import type { RolloutPolicy, RolloutPolicyStage } from './types.js';

const minute = 60_000;

const stages: readonly RolloutPolicyStage[] = [
  {
    name: 'canary',
    select: { limit: '5%' },
    concurrency: 10,
    budget: { groupBy: 'site', maxUnavailable: 1 },
    nodeDeadlineMs: 20 * minute,
    progressDeadlineMs: 30 * minute,
    offline: { mode: 'defer', max: '20%' },
    gate: { success: '90%', minSample: 3, maxFailed: 0, onFail: 'pause' },
    soakMs: 15 * minute,
  },
  {
    name: 'rest',
    concurrency: '25%',
    budget: { groupBy: 'site', maxUnavailable: 1 },
    nodeDeadlineMs: 20 * minute,
    progressDeadlineMs: 30 * minute,
    offline: { mode: 'defer', max: '20%' },
    gate: { success: '90%', minSample: 1, maxFailed: 2, onFail: 'pause' },
    soakMs: 0,
  },
];

/** The policy for production: what a policy file leaves out is taken from here. */
export const defaultPolicy: RolloutPolicy = {
  name: 'default',
  rehearsal: false,
  stages,
  ramp: { start: 1, factor: 2 },
  health: { windowS: 90, passes: 5, capS: 300, confirmS: 300 },
  maxFailed: 0,
  maxStale: 5,
  validForMs: 24 * 60 * minute,
};

/** Short times for a rehearsal: the same stages, order, gates' rules and protocol, other durations and thresholds only. */
export const rehearsalPolicy: RolloutPolicy = {
  ...defaultPolicy,
  name: 'rehearsal',
  rehearsal: true,
  stages: stages.map((stage) => ({
    ...stage,
    nodeDeadlineMs: 3 * minute,
    progressDeadlineMs: 4 * minute,
    soakMs: stage.name === 'canary' ? 2000 : 0,
  })),
  health: { windowS: 10, passes: 3, capS: 60, confirmS: 60 },
};

/** Policies that every fleet has. */
export const builtinPolicies: readonly RolloutPolicy[] = [defaultPolicy, rehearsalPolicy];
