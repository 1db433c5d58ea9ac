import type { ComponentDigests, HealthPolicy, Plan, PlanNode, Step } from '../../plan/types.js';
import { LONG_MS, SHORT_MS } from './calls.js';

/** What the steps of one node are made from. */
export interface CompileInput {
  kind: Plan['kind'];
  node: Pick<PlanNode, 'id' | 'expectAfter'>;
  /** What the node has; null when it could not be seen (then everything is compiled). */
  actual: ComponentDigests | null;
  health: HealthPolicy;
}

/** The steps that bring one node to what its slice says; none when it is there already. */
export function compileSteps(input: CompileInput): Step[] {
  if (input.kind === 'eject') return [step(input.node.id, 1, 'node.eject', {}, LONG_MS, [])];
  if (input.kind === 'undeny') return [step(input.node.id, 1, 'runtime.undeny', {}, SHORT_MS, [])];
  if (input.kind === 'gc') return [step(input.node.id, 1, 'runtime.gc', {}, LONG_MS, [])];
  if (input.kind === 'prepare') return [step(input.node.id, 1, 'node.prepare', {}, LONG_MS, [])];
  if (input.kind === 'unprepare') return [step(input.node.id, 1, 'node.unprepare', {}, LONG_MS, [])];
  const changes = changedComponents(input.node.expectAfter, input.actual);
  if (changes.length === 0) return [];
  const id = input.node.id;
  const components = changes.flatMap(([component, digest]) => (digest === null ? [] : [{ component, digest }]));
  const { capS, confirmS } = input.health;
  return [
    step(id, 1, 'runtime.stage', { components }, LONG_MS, []),
    step(id, 2, 'runtime.trial', {}, (capS + confirmS) * 1000 + SHORT_MS, [`${id}/1`]),
    step(id, 3, 'runtime.confirm', { of: `${id}/2` }, SHORT_MS, [`${id}/2`]),
  ];
}

/** Components whose digest is to be another one, in the order of their names. */
export function changedComponents(after: ComponentDigests, actual: ComponentDigests | null): [string, string | null][] {
  return Object.entries(after)
    .filter(([component, digest]) => actual === null || (actual[component] ?? null) !== digest)
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

function step(node: string, seq: number, action: string, args: Step['args'], timeoutMs: number, needs: string[]): Step {
  return {
    id: `${node}/${seq}`,
    node,
    seq,
    action,
    args,
    needs,
    timeoutMs,
    retry: ['runtime.stage', 'node.prepare', 'node.unprepare'].includes(action) ? 'safe' : 'never',
  };
}
