import { z } from 'zod';
import { nodeStates, runStateTable } from '../plan/states.js';
import type { OutcomeKind, RunState } from '../plan/types.js';

const state = z.enum(nodeStates);
const count = z.int().nonnegative();
const counts = z.partialRecord(state, count);
const outcomeKinds = [
  'ok',
  'changed',
  'skipped',
  'failed',
  'unreachable',
  'cancelled',
] as const satisfies OutcomeKind[];
const runStates = runStateTable.map((row) => row.state) as [RunState, ...RunState[]];

const outcome = z.object({
  kind: z.enum(outcomeKinds),
  state,
  message: z.string(),
  why: z.string().optional(),
  log: z.string().optional(),
  retryable: z.boolean().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});

const base = { at: z.iso.datetime(), run: z.string().min(1) };
const step = { node: z.string(), step: z.string() };
const event = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.object({ ...base, type: z.literal(type), ...shape });

/** The events of `-o ndjson`, one JSON object a line: published as JSON Schema in docs/reference/schemas. Readers must ignore fields that they do not know. */
export const runEventSchema = z.discriminatedUnion('type', [
  event('run-started', {
    fleet: z.string(),
    plan: z.string(),
    resumed: z.boolean(),
    nodes: count,
    stages: z.array(z.object({ name: z.string(), nodes: count })),
  }),
  event('stage-started', { stage: z.string(), nodes: z.array(z.string()) }),
  event('node-state', {
    node: z.string(),
    stage: z.string(),
    from: state,
    to: state,
    message: z.string(),
    why: z.string().optional(),
    log: z.string().optional(),
  }),
  event('step-started', { ...step, action: z.string(), attempt: z.int().positive() }),
  event('step-progress', {
    ...step,
    message: z.string(),
    passes: count.optional(),
    needed: count.optional(),
    bytes: count.optional(),
    total: count.optional(),
  }),
  event('step-finished', { ...step, action: z.string(), attempt: z.int().positive(), outcome }),
  event('gate', {
    stage: z.string(),
    passed: z.boolean(),
    verdict: z.enum(['passed', 'failed', 'inconclusive']),
    succeeded: count,
    failed: count,
    scored: count,
    message: z.string(),
  }),
  event('soak', { stage: z.string(), ms: z.number().nonnegative() }),
  event('signal', { signal: z.string(), inFlight: count, message: z.string() }),
  event('warning', { message: z.string(), node: z.string().optional() }),
  event('run-finished', {
    state: z.enum(runStates),
    exitCode: z.int().min(0).max(255),
    message: z.string(),
    open: z.string(),
    counts,
    elapsedMs: z.number().nonnegative(),
  }),
]);
