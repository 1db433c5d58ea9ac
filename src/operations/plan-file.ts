import { readFile, stat } from 'node:fs/promises';
import { EdgectlError } from '../errors/error.js';
import { MAX_PLAN_BYTES, parsePlanFile } from '../plan/serialise.js';
import type { Plan } from '../plan/types.js';

/** Reads a plan file; its size is looked at before its content. Throws PLAN_INVALID, PLAN_DIGEST. */
export async function readPlanFile(file: string): Promise<Plan> {
  try {
    const { size } = await stat(file);
    if (size > MAX_PLAN_BYTES) throw new EdgectlError('PLAN_INVALID', { message: `${file} is larger than any plan.` });
    return parsePlanFile(await readFile(file));
  } catch (error) {
    if (error instanceof EdgectlError) throw error;
    throw new EdgectlError('PLAN_INVALID', { message: `The plan file ${file} cannot be read.`, cause: error });
  }
}
