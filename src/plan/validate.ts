import { z } from 'zod';

import { EdgectlError } from '../errors/error.js';
import { merkleRoot } from './merkle.js';
import { parseKeyValueText, planStatement } from './slice.js';
import { nodeStates } from './states.js';
import type { Plan } from './types.js';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const ulid = z.string().regex(/^[0-9A-HJKMNP-TV-Z]{26}$/);
const nodeId = z.string().regex(/^[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?$/);
const component = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/);
// eslint-disable-next-line no-control-regex -- control characters are what must not be there
const line = z
  .string()
  .max(1024)
  .regex(/^[^\u0000-\u001f\u007f]*$/);
const ms = z
  .number()
  .int()
  .min(0)
  .max(366 * 24 * 3_600_000);
const seconds = z.number().int().min(0).max(86_400);
const instant = z.iso.datetime();
const digests = z.record(component, hex64.nullable());
const args = z.record(z.string().max(128), z.unknown());
const action = z.string().regex(/^[a-z]+(?:\.[a-z-]+)+$/);

/** What is read of a plan before its digest has been checked. */
export const headerSchema = z.object({ schema: z.literal(1), id: ulid, digest: hex64 });

const stepSchema = z.strictObject({
  id: line,
  node: nodeId,
  seq: z.number().int().min(1).max(1000),
  action,
  args,
  needs: z.array(line).max(1000),
  timeoutMs: ms,
  retry: z.enum(['safe', 'never']),
  undo: z.strictObject({ action, args }).exactOptional(),
});

const nodeSchema = z.strictObject({
  id: nodeId,
  site: line,
  region: line,
  arch: line,
  os: line,
  stage: line.nullable(),
  observed: z.strictObject({ at: line, components: digests, versions: z.record(component, line) }).nullable(),
  expectBefore: digests,
  expectAfter: digests,
  intent: z.boolean(),
  skip: z.strictObject({ state: z.enum(nodeStates), why: line }).exactOptional(),
});

const stageSchema = z.strictObject({
  name: line.min(1),
  nodes: z.array(nodeId).max(100_000),
  first: z.number().int().min(0),
  concurrency: z.number().int().min(1).max(10_000),
  ramp: z.strictObject({ start: z.number().int().min(1), factor: z.number().min(1).max(100) }),
  budget: z.strictObject({ groupBy: z.enum(['site', 'region', 'none']), maxUnavailable: z.number().int().min(1) }),
  nodeDeadlineMs: ms,
  progressDeadlineMs: ms,
  soakMs: ms,
  offline: z.strictObject({ mode: z.enum(['wait', 'defer', 'skip', 'fail']), max: z.number().min(0) }),
  gate: z.strictObject({
    success: z.number().min(0).max(1),
    minSample: z.number().int().min(0),
    maxFailed: z.number().int().min(0),
    onFail: z.enum(['pause', 'rollback', 'abort']),
  }),
});

/** The schema of a plan, closed: an unknown key is an error. */
export const planSchema = z.strictObject({
  schema: z.literal(1),
  tool: line,
  id: ulid,
  kind: z.enum(['runtime', 'rollback', 'eject', 'undeny', 'gc', 'prepare', 'unprepare']),
  fleet: z.strictObject({ id: line.min(1), name: line, digest: line }),
  createdAt: instant,
  validUntil: instant,
  series: z.number().int().min(0),
  expires: z.number().int().min(0),
  seed: line,
  policy: z.strictObject({
    name: line,
    rehearsal: z.boolean(),
    maxFailed: z.number().int().min(0),
    maxStale: z.number().int().min(0),
  }),
  health: z.strictObject({
    windowS: seconds,
    passes: z.number().int().min(1).max(1000),
    capS: seconds,
    confirmS: seconds,
  }),
  changes: z
    .array(
      z.strictObject({
        component,
        to: z.strictObject({ version: line, digest: hex64, size: z.number().int().min(0), signedBy: line }).nullable(),
        from: z.array(line).max(10_000),
        nodes: z.number().int().min(0),
      }),
    )
    .max(1000),
  nodes: z.array(nodeSchema).max(100_000),
  stages: z.array(stageSchema).max(1000),
  steps: z.array(stepSchema).max(1_000_000),
  slices: z.record(nodeId, z.string().max(64 * 1024)),
  undoes: ulid.exactOptional(),
  digest: hex64,
  authority: z
    .strictObject({ statement: z.string().max(4096), signature: z.string().max(64 * 1024), root: hex64 })
    .nullable(),
});

/** Checks a parsed plan: schema first, then that its parts agree with each other. Throws PLAN_INVALID with the first faults, PLAN_SIGNATURE. */
export function validatePlan(value: unknown): Plan {
  const parsed = planSchema.safeParse(value);
  if (!parsed.success) {
    const lines = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new EdgectlError('PLAN_INVALID', { message: 'The plan file does not have the shape of a plan.', lines });
  }
  const plan: Plan = parsed.data;
  const [unsigned] = [...authorityFaults(plan), ...sliceFaults(plan)];
  if (unsigned !== undefined) {
    throw new EdgectlError('PLAN_SIGNATURE', {
      message: `The plan was changed after it was signed: ${unsigned}.`,
      hint: 'make the plan again; a plan cannot be edited',
    });
  }
  const faults = [...nodeFaults(plan), ...stepFaults(plan)];
  if (faults.length > 0) {
    throw new EdgectlError('PLAN_INVALID', {
      message: 'The parts of the plan do not agree.',
      lines: faults.slice(0, 5),
    });
  }
  return plan;
}

function nodeFaults(plan: Plan): string[] {
  const faults: string[] = [];
  const stageOf = new Map<string, string>();
  for (const stage of plan.stages) {
    for (const id of stage.nodes) {
      if (stageOf.has(id)) faults.push(`${id} is in two stages`);
      stageOf.set(id, stage.name);
    }
  }
  const seen = new Set<string>();
  for (const node of plan.nodes) {
    if (seen.has(node.id)) faults.push(`${node.id} is listed twice`);
    seen.add(node.id);
    if ((stageOf.get(node.id) ?? null) !== node.stage) faults.push(`${node.id} names another stage than the stages do`);
  }
  for (const id of stageOf.keys()) if (!seen.has(id)) faults.push(`${id} is in a stage and not among the nodes`);
  return faults;
}

function stepFaults(plan: Plan): string[] {
  const faults: string[] = [];
  const nodes = new Set(plan.nodes.map((node) => node.id));
  const ids = new Map(plan.steps.map((step) => [step.id, step.node]));
  if (ids.size !== plan.steps.length) faults.push('two steps have the same id');
  for (const step of plan.steps) {
    if (step.id !== `${step.node}/${step.seq}`) faults.push(`step ${step.id} is not called node/seq`);
    if (!nodes.has(step.node)) faults.push(`step ${step.id} is for a node that is not in the plan`);
    for (const need of step.needs)
      if (ids.get(need) !== step.node) faults.push(`step ${step.id} needs ${need}, which its node does not have`);
  }
  return faults;
}

function sliceFaults(plan: Plan): string[] {
  const faults: string[] = [];
  for (const node of plan.nodes) {
    const text = plan.slices[node.id];
    if (node.stage === null) continue;
    const fields = text === undefined ? null : parseKeyValueText(text);
    if (fields === null) faults.push(`${node.id} has no slice that can be read`);
    else if (fields.get('node') !== node.id || fields.get('run') !== plan.id || fields.get('fleet') !== plan.fleet.id) {
      faults.push(`the slice of ${node.id} is for another node, run or fleet`);
    } else faults.push(...wantFaults(node.id, node.expectAfter, fields));
  }
  return faults;
}

function wantFaults(
  id: string,
  after: Plan['nodes'][number]['expectAfter'],
  fields: ReadonlyMap<string, string>,
): string[] {
  if (fields.get('kind') !== 'update' && fields.get('kind') !== 'rollback') return [];
  const faults: string[] = [];
  for (const [name, digest] of Object.entries(after)) {
    const want = fields.get(`want.${name}`);
    if (want === undefined || (digest === null ? want !== 'none' : !want.endsWith(` ${digest}`))) {
      faults.push(`the slice of ${id} wants another ${name} than the plan says`);
    }
  }
  return faults;
}

function authorityFaults(plan: Plan): string[] {
  if (plan.authority === null) return [];
  if (Object.keys(plan.slices).length === 0) return ['the plan is signed and has no slices'];
  const root = merkleRoot(plan.slices);
  if (plan.authority.root !== root) return ['the signed root is not the root of the slices'];
  return plan.authority.statement === planStatement(plan, root) ? [] : ['the signed statement is for another plan'];
}
