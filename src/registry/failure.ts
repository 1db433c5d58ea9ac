import type { ErrorCode } from '../errors/catalogue.js';
import { EdgectlError } from '../errors/error.js';
import { escapeForTerminal, oneLine } from '../util/escape.js';

/** An operator error about something at a registry; `where` is shown first. */
export function refused(code: ErrorCode, where: string, reason: string, lines: readonly string[] = []): EdgectlError {
  return new EdgectlError(code, {
    message: `${escapeForTerminal(where)}: ${reason}.`,
    lines,
    data: { where: escapeForTerminal(where) },
  });
}

/** A request that ended early and may be asked again; never leaves this room. */
export class Interrupted extends Error {
  constructor(
    readonly reason: string,
    /** Milliseconds that the registry asks for. */
    readonly afterMs = 0,
    /** The status, when there was an answer. */
    readonly status = 0,
  ) {
    super(reason);
    this.name = 'Interrupted';
  }
}

/** An upload that has to begin at its first byte; never leaves this room. */
export class BeginAgain extends Error {
  constructor(
    readonly reason: string,
    /** Is it because the bytes themselves are wrong? */
    readonly wrongBytes = false,
  ) {
    super(reason);
    this.name = 'BeginAgain';
  }
}

/** Is it an error of this room or an operator error, and not the network's? */
export function isOurs(error: unknown): boolean {
  return error instanceof EdgectlError || error instanceof Interrupted || error instanceof BeginAgain;
}

/** Why a connection failed, one line; without a URL, which may carry a token. */
export function networkReason(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  const name = String(code ?? cause?.code ?? '');
  if (name === 'UND_ERR_HEADERS_TIMEOUT' || name === 'UND_ERR_BODY_TIMEOUT') return 'it stopped answering';
  if (name === 'UND_ERR_CONNECT_TIMEOUT') return 'it does not answer (connect timeout)';
  if (name === 'ECONNREFUSED') return 'it refuses connections';
  if (name === 'ENOTFOUND' || name === 'EAI_AGAIN') return 'its name does not resolve';
  if (['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(name)) return 'the connection was cut';
  if (isTlsCode(name)) return `its TLS certificate is not trusted (${name})`;
  return oneLine(error instanceof Error && error.message !== '' ? error.message : name);
}

/** Is it an error that trying again cannot mend? */
export function isFinal(error: unknown): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return isTlsCode(String(code ?? '')) || name === 'AbortError';
}

function isTlsCode(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL/.test(code);
}

/** What a registry says of an error (distribution specification, "Error Codes"), one line, safe to print. */
export function errorText(body: string): { codes: string[]; text: string } {
  try {
    const { errors } = JSON.parse(body) as { errors?: { code?: unknown; message?: unknown }[] };
    if (!Array.isArray(errors)) return { codes: [], text: '' };
    const codes = errors.map((each) => String(each?.code ?? ''));
    return { codes, text: oneLine(errors.map((each) => `${each?.code} ${each?.message ?? ''}`.trim()).join('; ')) };
  } catch {
    return { codes: [], text: '' };
  }
}
