import { fileURLToPath } from 'node:url';
import { judgeCompatibility, type VersionChange } from '../bundle/drivers/compatibility.js';
import { loadDriver } from '../bundle/drivers/load.js';
import { requireProven } from '../bundle/drivers/proven.js';
import type { Driver } from '../bundle/drivers/schema.js';
import { driverDirs } from '../bundle/places.js';
import { EdgectlError } from '../errors/error.js';
import type { Plan } from '../plan/types.js';
import { foldNames } from '../plan/ranges.js';

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/**
 * What the drivers say against the plan's changes, folded over nodes: lines to show before the question. Throws RUNTIME_INCOMPATIBLE for
 * what a driver refuses, unless it was accepted, and DRIVER_UNPROVEN.
 */
export async function compatibilityWarnings(
  plan: Pick<Plan, 'nodes' | 'changes'>,
  context: { fleetDir: string; accepted: boolean; allowUnproven: boolean },
): Promise<string[]> {
  const drivers = await driversOf(plan, context.fleetDir);
  for (const driver of drivers) requireProven(driver, context.allowUnproven);
  const nodesOf = new Map<string, { level: 'warning' | 'refusal'; nodes: string[] }>();
  for (const node of plan.nodes) {
    for (const { message, level } of judgeCompatibility(drivers, versionsOf(plan, node))) {
      const group = nodesOf.get(message) ?? { level, nodes: [] };
      group.nodes.push(node.id);
      nodesOf.set(message, group);
    }
  }
  const lines = [...nodesOf].map(([message, { nodes }]) => `${message} (${foldNames(nodes)})`);
  const refusals = [...nodesOf.values()].filter(({ level }) => level === 'refusal');
  if (refusals.length > 0 && !context.accepted) {
    throw new EdgectlError('RUNTIME_INCOMPATIBLE', {
      message: 'A runtime driver refuses what this plan would do.',
      lines,
    });
  }
  return lines;
}

async function driversOf(plan: Pick<Plan, 'changes'>, fleetDir: string): Promise<Driver[]> {
  const drivers: Driver[] = [];
  for (const component of new Set(plan.changes.map((change) => change.component))) {
    try {
      drivers.push((await loadDriver(component, driverDirs(packageRoot, fleetDir))).driver);
    } catch (error) {
      // A bundle carries its own driver; without one here there are no rules to judge by.
      if (!(error instanceof EdgectlError && error.code === 'DRIVER_NOT_FOUND')) throw error;
    }
  }
  return drivers;
}

/** Every component that is known on a node, changed or not. */
function versionsOf(plan: Pick<Plan, 'changes'>, node: Plan['nodes'][number]): Record<string, VersionChange> {
  const state: Record<string, VersionChange> = {};
  for (const [component, version] of Object.entries(node.observed?.versions ?? {}))
    state[component] = { from: version, to: version };
  for (const [component, digest] of Object.entries(node.expectAfter)) {
    const to = plan.changes.find((change) => change.component === component && change.to?.digest === digest)?.to;
    state[component] = { from: state[component]?.from ?? null, to: to?.version ?? null };
  }
  return state;
}
