import { EdgectlError } from '../errors/error.js';
import { escapeForTerminal } from '../util/escape.js';

/** A BUNDLE_INVALID error. Names inside archives are written by others: they are escaped here. */
export function invalid(message: string, lines: readonly string[] = []): EdgectlError {
  return new EdgectlError('BUNDLE_INVALID', {
    message: escapeForTerminal(message),
    lines: lines.map((line) => escapeForTerminal(line)),
  });
}
