import type { Observation } from '../actions/runtime/compile-plan.js';
import { EdgectlError } from '../errors/error.js';
import { selectNodes } from '../fleet/select-nodes.js';
import type { FleetNode } from '../fleet/types.js';
import type { KitOptions } from '../node/kit-build.js';
import { selfUpgradeProtocol } from '../node/protocol.js';
import type { Plan } from '../plan/types.js';
import type { VouchedBundle } from './bundles.js';
import { kitBundle, kitSource } from './kit-bundle.js';
import type { Desired } from './desired.js';
import type { PlanningContext, RuntimeRequest } from './plan-runtime.js';
import { observeInService, planRollout, policyNamed } from './plan-runtime.js';

/** What `rollout kit` was asked for. */
export type KitRequest = Omit<RuntimeRequest, 'names'>;

/**
 * Plans the upgrade of the node kit to the one of this edgectl, over the same stages and gates as a runtime. Nodes whose kit cannot be
 * changed by a transaction are refused by name. Throws NOTHING_SELECTED, POLICY_INVALID, and what signing throws.
 */
export async function planKit(request: KitRequest, context: PlanningContext): Promise<Plan> {
  const policy = policyNamed(context.fleet, request.policy);
  const nodes = chosen(request.on, context);
  const seen = await observeInService(nodes, [], context);
  const observed = new Map([...seen].map(([id, one]) => [id, upgradable(id, one)]));
  const { desired, bundles } = await desiredKits(nodes, observed, context);
  return await planRollout({ desired, bundles, observed, policy }, request, context);
}

function chosen(on: string | undefined, { fleet }: PlanningContext): FleetNode[] {
  const nodes = on === undefined ? fleet.nodes.filter((node) => node.state !== 'retired') : selectNodes(fleet, on);
  if (nodes.length > 0) return nodes;
  throw new EdgectlError('NOTHING_SELECTED', { message: 'No node is left to upgrade the kit on.' });
}

/** A kit from before the transaction knew it can only be replaced by hand, once. */
function upgradable(id: string, one: Observation): Observation {
  if (!one.seen || (one.kit?.protocolMax ?? 0) >= selfUpgradeProtocol) return one;
  const why = `its kit ${one.kit?.version ?? ''} cannot be changed by a transaction: edgectl node prepare ${id}`;
  return { seen: false, state: 'refused', why: why.replace('  ', ' '), arch: one.arch, os: one.os };
}

/** One bundle for each init that the nodes have; a node that runs that very kit already wants none. */
async function desiredKits(
  nodes: readonly FleetNode[],
  observed: ReadonlyMap<string, Observation>,
  context: PlanningContext,
): Promise<{ desired: Desired; bundles: Map<string, VouchedBundle> }> {
  const bundles = new Map<string, VouchedBundle>();
  const runtimes: Desired['runtimes'] = [];
  const inits = initsOf(nodes, observed, context.fleet.lab);
  for (const init of new Set(inits.values())) {
    const source = await kitSource(init, context);
    const wanting = nodes.filter(({ id }) => inits.get(id) === init && !runs(observed.get(id), source));
    if (wanting.length === 0) continue;
    const bundle = await kitBundle(init, context);
    bundles.set(bundle.digest, bundle);
    const runtime = { component: 'kit', version: bundle.version, digests: { all: bundle.digest }, on: '' };
    runtimes.push({ runtime, nodes: new Set(wanting.map(({ id }) => id)) });
  }
  return { desired: { runtimes, nodes: [...nodes] }, bundles };
}

function runs(one: Observation | undefined, source: string): boolean {
  return one?.seen === true && one.kit?.source === source;
}

/** Only a fleet of the lab can have sandboxes; a node that was not seen is taken for one when all that were seen are. */
function initsOf(
  nodes: readonly FleetNode[],
  observed: ReadonlyMap<string, Observation>,
  lab: boolean,
): Map<string, KitOptions['init']> {
  const said = (id: string): string | undefined => {
    const one = observed.get(id);
    return one?.seen === true ? one.init : undefined;
  };
  const known = nodes.map(({ id }) => said(id)).filter((init) => init !== undefined);
  const sandboxes = known.length > 0 && known.every((init) => init === 'sandbox');
  return new Map(
    nodes.map(({ id }) => [
      id,
      lab && (said(id) ?? (sandboxes ? 'sandbox' : '')) === 'sandbox' ? 'sandbox' : 'systemd',
    ]),
  );
}
