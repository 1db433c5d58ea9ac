import { builtinPolicies, defaultPolicy } from '../fleet/builtin-policies.js';
import type { FleetFinding } from '../fleet/lint.js';
import { lintFleet } from '../fleet/lint.js';
import { selectNodes } from '../fleet/select-nodes.js';
import type { Fleet, RolloutPolicy } from '../fleet/types.js';
import type { PolicyFinding } from './policy-lint.js';
import { lintPolicy } from './policy-lint.js';

/** Findings about a loaded fleet: its files against each other, and each written policy against the nodes in service. Pure. */
export function checkFleet(fleet: Fleet): FleetFinding[] {
  const nodes = selectNodes(fleet, 'state=in-service');
  // Facts are not known here, so that every node is of one kind.
  const stageNodes = nodes.map((node) => ({ ...node, arch: '', os: '' }));
  const policies = [...fleet.policies.values()].filter((policy) => !builtinPolicies.includes(policy));
  // What the built-in default would be told, too, is due to the size of the fleet, not to what somebody wrote.
  const common = new Set(lintPolicy(defaultPolicy, stageNodes).map(saying));
  const own = (policy: RolloutPolicy): PolicyFinding[] =>
    lintPolicy(policy, stageNodes).filter((finding) => finding.level === 'error' || !common.has(saying(finding)));
  const findings = policies.flatMap((policy) =>
    own(policy).map(({ level, rule, stage, message }) => ({
      level,
      rule,
      file: `policies/${policy.name}.yaml`,
      message: stage === undefined ? message : `stage “${stage}”: ${message}`,
    })),
  );
  return [...lintFleet(fleet), ...findings];
}

function saying({ rule, stage, message }: PolicyFinding): string {
  return JSON.stringify([rule, stage, message]);
}
