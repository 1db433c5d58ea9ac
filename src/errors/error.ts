import type { CatalogueEntry, ErrorCode } from './catalogue.js';
import { catalogue } from './catalogue.js';

/** What an {@link EdgectlError} carries besides its code. */
export interface ErrorDetails {
  /** What happened, one sentence for a person. */
  message: string;
  /** The next command or action; a code's default hint is used when absent. */
  hint?: string;
  /** Extra lines shown under the message, already free of control characters. */
  lines?: readonly string[];
  cause?: unknown;
  /** Overrides the catalogue's exit code. */
  exitCode?: number;
  /** Data for the JSON envelope. */
  data?: Record<string, unknown>;
}

/** An operator error or a refusal: a code from the catalogue, a message, a hint and an exit code. */
export class EdgectlError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly lines: readonly string[];
  readonly exitCode: number;
  readonly data: Record<string, unknown>;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'EdgectlError';
    const entry: CatalogueEntry = catalogue[code];
    this.code = code;
    this.hint = details.hint ?? entry.hint;
    this.lines = details.lines ?? [];
    this.exitCode = details.exitCode ?? entry.exitCode;
    this.data = details.data ?? {};
  }
}
