import { z } from 'zod';
import { envelopeSchema as name } from './envelope.js';
import { exitCodes } from './exit-codes.js';

const exitCode = z.literal(exitCodes.map(({ code }) => code));

/** The one object on standard output under `--json`: a result or an error, never both. Published as JSON Schema in docs/reference/schemas. */
export const envelopeShape = z.union([
  z.strictObject({
    schema: z.literal(name),
    command: z.string(),
    runId: z.string().optional(),
    exitCode,
    result: z.unknown(),
  }),
  z.strictObject({
    schema: z.literal(name),
    command: z.string(),
    runId: z.string().optional(),
    exitCode,
    error: z.strictObject({
      code: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
      message: z.string().min(1),
      hint: z.string().optional(),
      exitCode,
      data: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
]);
