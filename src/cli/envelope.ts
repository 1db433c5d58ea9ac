import type { ErrorReport } from './error-report.js';

/** Name and version of the envelope on standard output; a new one when a reader would have to change. */
export const envelopeSchema = 'edgectl/v1';

/** The one object that a command prints under `-o json`. */
export interface Envelope {
  schema: typeof envelopeSchema;
  command: string;
  runId?: string;
  exitCode: number;
  result?: unknown;
  error?: { code: string; message: string; hint?: string; exitCode: number; data?: Record<string, unknown> };
}

/** The envelope of a command that came to a result, even a bad one (`exitCode` says so). */
export function resultEnvelope(command: string, result: unknown, exitCode: number, runId?: string): Envelope {
  return {
    schema: envelopeSchema,
    command,
    ...(runId === undefined ? {} : { runId }),
    exitCode,
    result: result ?? null,
  };
}

/** The envelope of a command that could not do its work. */
export function errorEnvelope(command: string, report: ErrorReport, runId?: string): Envelope {
  const { code, message, hint, exitCode, data } = report;
  return {
    schema: envelopeSchema,
    command,
    ...(runId === undefined ? {} : { runId }),
    exitCode,
    error: {
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
      exitCode,
      ...(Object.keys(data).length === 0 ? {} : { data }),
    },
  };
}
