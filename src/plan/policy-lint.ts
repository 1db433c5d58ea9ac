import type { RolloutPolicy, RolloutPolicyStage } from '../fleet/types.js';
import type { StageNode } from './canary.js';
import { resolveStages } from './stages.js';
import { wholeShare } from './sizes.js';
import type { PlanStage } from './types.js';

/** Something in a policy that is not what its author can have meant. */
export interface PolicyFinding {
  level: 'error' | 'warning';
  /** Stable id of the rule. */
  rule: string;
  policy: string;
  stage?: string;
  message: string;
}

/** Below this number of scored nodes `maxFailed` decides instead of the percentage. */
const percentFrom = 20;

/** Checks a policy on its own and against the nodes that it would be used on. Pure. */
export function lintPolicy(policy: RolloutPolicy, nodes: readonly StageNode[]): PolicyFinding[] {
  const linter = new PolicyLinter(policy, nodes);
  return linter.run();
}

class PolicyLinter {
  private readonly findings: PolicyFinding[] = [];

  constructor(
    private readonly policy: RolloutPolicy,
    private readonly nodes: readonly StageNode[],
  ) {}

  run(): PolicyFinding[] {
    this.times();
    this.order();
    if (this.nodes.length > 0) {
      const resolved = resolveStages({ nodes: this.nodes, seed: 'lint', policy: this.policy });
      this.emptyStages(resolved);
      this.overlaps();
      this.canarySize(resolved);
      for (const stage of this.policy.stages) {
        const numbers = resolved.find((candidate) => candidate.name === stage.name);
        if (numbers !== undefined) this.gate(stage, numbers);
      }
    }
    return this.findings;
  }

  private add(level: PolicyFinding['level'], rule: string, message: string, stage?: string): void {
    this.findings.push({ level, rule, policy: this.policy.name, message, ...(stage === undefined ? {} : { stage }) });
  }

  private times(): void {
    const { health, stages } = this.policy;
    if (health.windowS > health.capS) {
      this.add(
        'error',
        'health-cap',
        `health.window (${health.windowS} s) is longer than health.cap (${health.capS} s): no node could ever pass`,
      );
    }
    const trial = (health.capS + health.confirmS) * 1000;
    for (const stage of stages) {
      if (stage.nodeDeadlineMs !== undefined && stage.nodeDeadlineMs < trial) {
        this.add(
          'error',
          'node-deadline',
          `nodeDeadline (${stage.nodeDeadlineMs / 1000} s) is shorter than health.cap + health.confirm (${trial / 1000} s)`,
          stage.name,
        );
      }
      if (stage.progressDeadlineMs !== undefined && stage.progressDeadlineMs < health.windowS * 1000) {
        this.add(
          'error',
          'progress-deadline',
          `progressDeadline (${stage.progressDeadlineMs / 1000} s) is shorter than health.window (${health.windowS} s)`,
          stage.name,
        );
      }
    }
  }

  /** A stage that takes every node leaves nothing to those after it. */
  private order(): void {
    const { stages } = this.policy;
    const greedy = stages.findIndex((stage) => stage.select?.labels === undefined && stage.select?.limit === undefined);
    if (greedy < 0 || greedy === stages.length - 1) return;
    for (const stage of stages.slice(greedy + 1)) {
      this.add('error', 'unreachable-stage', `stage “${stages[greedy]?.name}” before it takes every node`, stage.name);
    }
  }

  private emptyStages(resolved: readonly PlanStage[]): void {
    const names = new Set(resolved.map((stage) => stage.name));
    const reported = new Set(
      this.findings.filter((found) => found.rule === 'unreachable-stage').map((found) => found.stage),
    );
    for (const stage of this.policy.stages) {
      if (!names.has(stage.name) && !reported.has(stage.name)) {
        this.add('warning', 'empty-stage', `no node is in it${this.labelsText(stage)}`, stage.name);
      }
    }
  }

  private labelsText(stage: RolloutPolicyStage): string {
    const labels = Object.entries(stage.select?.labels ?? {}).map(([key, value]) => `${key}=${value}`);
    return labels.length === 0 ? '' : ` (${labels.join(', ')})`;
  }

  private overlaps(): void {
    const selecting = this.policy.stages.filter((stage) => stage.select?.labels !== undefined);
    selecting.forEach((later, index) => {
      for (const earlier of selecting.slice(0, index)) {
        const shared = this.nodes.filter((node) => this.selects(earlier, node) && this.selects(later, node));
        if (shared.length === 0) continue;
        this.add(
          'warning',
          'overlap',
          `shares ${shared.length} node(s) with “${earlier.name}”, for instance ${shared[0]?.id}; the earlier stage gets them`,
          later.name,
        );
      }
    });
  }

  private selects(stage: RolloutPolicyStage, node: StageNode): boolean {
    return Object.entries(stage.select?.labels ?? {}).every(([key, value]) => node.labels?.[key] === value);
  }

  private canarySize(resolved: readonly PlanStage[]): void {
    const [first, ...others] = resolved;
    const rest = others.reduce((sum, stage) => sum + stage.nodes.length, 0);
    if (first === undefined || this.policy.stages[0]?.name !== first.name || rest === 0 || first.nodes.length <= rest)
      return;
    this.add(
      'warning',
      'canary-size',
      `${first.nodes.length} of ${first.nodes.length + rest} nodes are in the first stage: more than all after it`,
      first.name,
    );
  }

  private gate(stage: RolloutPolicyStage, numbers: PlanStage): void {
    const size = numbers.nodes.length;
    const written = stage.gate?.success ?? '90%';
    const share = wholeShare(written);
    const allowed = Math.floor(size * (1 - share) + 1e-9);
    const decides = size >= percentFrom || stage.gate?.maxFailed === undefined;
    if (share < 1 && allowed === 0 && decides && size > 1) {
      this.add(
        'warning',
        'rounds-to-all',
        `success ${written} of ${size} nodes lets none fail: it is the same as 100%`,
        stage.name,
      );
    }
    if (stage.gate?.maxFailed !== undefined && stage.gate.maxFailed >= size && size < percentFrom && size > 0) {
      this.add(
        'warning',
        'gate-open',
        `maxFailed ${stage.gate.maxFailed} would let all ${size} node(s) fail; ${numbers.gate.maxFailed} is used`,
        stage.name,
      );
    }
    if ((stage.gate?.minSample ?? 1) > size) {
      this.add(
        'warning',
        'min-sample',
        `minSample ${stage.gate?.minSample} is more than its ${size} node(s); ${size} is used`,
        stage.name,
      );
    }
  }
}
