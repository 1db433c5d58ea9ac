import { EdgectlError } from '../errors/error.js';
import { canonicalJson } from './canonical.js';
import { planDigest } from './digest.js';
import type { Plan } from './types.js';
import { headerSchema, validatePlan } from './validate.js';

/** The largest plan file that is read, in bytes: about ten thousand nodes fit in a third of it. */
export const MAX_PLAN_BYTES = 64 * 1024 * 1024;

/** A plan as the text of a plan file: canonical JSON and a line break. */
export function serialisePlan(plan: Plan): string {
  return `${canonicalJson(plan)}\n`;
}

/** Fills in the digest of a plan that is otherwise complete. */
export function sealPlan(plan: Omit<Plan, 'digest'>): Plan {
  return { ...plan, digest: planDigest(plan) };
}

/**
 * Reads a plan file that anybody may have written: size, header and digest first, then the schema, then what must agree within it.
 * Throws PLAN_INVALID or PLAN_DIGEST. The signature is checked by the caller, and by each node for itself.
 */
export function parsePlanFile(content: string | Uint8Array): Plan {
  const value = parseBounded(content);
  const header = headerSchema.safeParse(value);
  if (!header.success) throw invalid(`It does not begin as a plan: ${header.error.issues[0]?.message ?? 'no header'}.`);
  const actual = digestOf(value as object);
  if (actual !== header.data.digest) {
    throw new EdgectlError('PLAN_DIGEST', {
      message: `The plan was changed after it was made: it names ${header.data.digest} and is ${actual}.`,
      hint: 'make the plan again',
      data: { named: header.data.digest, actual },
    });
  }
  return validatePlan(value);
}

function parseBounded(content: string | Uint8Array): unknown {
  const size = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
  if (size > MAX_PLAN_BYTES) throw invalid(`It is ${size} bytes long; at most ${MAX_PLAN_BYTES} are read.`);
  try {
    const text = typeof content === 'string' ? content : new TextDecoder('utf-8', { fatal: true }).decode(content);
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw invalid('It is not JSON.', cause);
  }
}

function digestOf(value: object): string {
  try {
    return planDigest(value);
  } catch (cause) {
    throw invalid('It cannot be brought into canonical form.', cause);
  }
}

function invalid(why: string, cause?: unknown): EdgectlError {
  return new EdgectlError('PLAN_INVALID', { message: `The plan file cannot be read. ${why}`, cause });
}
