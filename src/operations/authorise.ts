import { findSigningKey } from '../keys/signing-key.js';
import { signText } from '../keys/sign.js';
import { verifyText } from '../keys/verify.js';
import { EdgectlError } from '../errors/error.js';
import type { Fleet } from '../fleet/types.js';
import { merkleRoot } from '../plan/merkle.js';
import { sealPlan } from '../plan/serialise.js';
import { planStatement } from '../plan/slice.js';
import type { Plan } from '../plan/types.js';
import type { Surroundings } from './surroundings.js';

/** A plan that is complete but for its authority and digest. */
export type UnsignedPlan = Omit<Plan, 'digest' | 'authority'>;

/** Signs the Merkle root over all slices, once for the whole plan, and seals it. Throws KEYS_NOT_FOUND, SIGNING_FAILED. */
export async function authorisePlan(plan: UnsignedPlan, around: Surroundings): Promise<Plan> {
  if (Object.keys(plan.slices).length === 0) return sealPlan({ ...plan, authority: null });
  const key = await findSigningKey({ env: around.env, homedir: around.homedir }, plan.fleet.id);
  const root = merkleRoot(plan.slices);
  const statement = planStatement(plan, root);
  const agent = around.env['SSH_AUTH_SOCK'];
  const signature = await signText({
    namespace: 'edgectl-plan',
    text: statement,
    key,
    interactive: around.interactive,
    signal: around.signal,
    ...(agent === undefined ? {} : { agent }),
  });
  return sealPlan({ ...plan, authority: { statement, signature, root } });
}

/**
 * Checks what a node will check too, before anything is sent: the slices give the signed root, and the signature is by a key that this
 * fleet allows. Throws PLAN_SIGNATURE.
 */
export async function verifyAuthority(
  plan: Plan,
  fleet: Fleet,
  around: Surroundings,
): Promise<{ principal: string } | null> {
  if (plan.fleet.id !== fleet.id) {
    throw new EdgectlError('PLAN_SIGNATURE', {
      message: `The plan is for fleet ${plan.fleet.name} (${plan.fleet.id}); this is ${fleet.name} (${fleet.id}).`,
    });
  }
  if (plan.authority === null) {
    // Every other plan is refused by the nodes; before its first preparation a node knows no key and would do what root says.
    if ((plan.kind === 'prepare' || plan.kind === 'unprepare') && plan.steps.length > 0)
      throw new EdgectlError('PLAN_SIGNATURE', { message: 'A plan that is carried out as root has to be signed.' });
    return null;
  }
  const statement = planStatement(plan, merkleRoot(plan.slices));
  if (statement !== plan.authority.statement) {
    throw new EdgectlError('PLAN_SIGNATURE', {
      message: 'The plan’s slices are not the ones that were signed.',
      hint: 'make the plan again; a plan cannot be edited',
    });
  }
  return await verifyText({
    namespace: 'edgectl-plan',
    text: statement,
    signature: plan.authority.signature,
    allowedSigners: fleet.allowedSignersFile,
    tmpdir: around.tmpdir,
    code: 'PLAN_SIGNATURE',
  });
}
