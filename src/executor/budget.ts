import { nodeStateRow } from '../plan/states.js';
import type { NodeState, PlanNode, PlanStage } from '../plan/types.js';

/** How many nodes of one site or region may be unavailable at once, apart from how many are worked on at once. */
export class Budget {
  readonly #rule: PlanStage['budget'];
  readonly #groupOf: ReadonlyMap<string, string>;
  readonly #held = new Map<string, Set<string>>();

  constructor(rule: PlanStage['budget'], nodes: readonly PlanNode[]) {
    this.#rule = rule;
    this.#groupOf = new Map(
      rule.groupBy === 'none' ? [] : nodes.map((node) => [node.id, rule.groupBy === 'site' ? node.site : node.region]),
    );
  }

  /** May this node become unavailable now? */
  mayTake(node: string): boolean {
    const group = this.#groupOf.get(node);
    if (group === undefined) return true;
    const held = this.#held.get(group);
    return held === undefined || held.has(node) || held.size < Math.max(1, this.#rule.maxUnavailable);
  }

  take(node: string): void {
    const group = this.#groupOf.get(node);
    if (group === undefined) return;
    const held = this.#held.get(group) ?? new Set<string>();
    held.add(node);
    this.#held.set(group, held);
  }

  /** Gives the slot back, unless the node's end state says that it is not available: in doubt, or failed and not to be reached. */
  settle(node: string, state: NodeState, reachable: boolean): void {
    const failed = nodeStateRow(state).scored === 'failure';
    if (nodeStateRow(state).holdsBudget || (failed && !reachable)) this.take(node);
    else this.#held.get(this.#groupOf.get(node) ?? '')?.delete(node);
  }
}
