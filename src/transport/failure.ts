import { oneLine } from '../util/escape.js';
import type { TransportFailure, TransportFailureKind } from './types.js';

/** Make a transport failure; the message is cut to one line that is safe to print. */
export function fail(
  kind: TransportFailureKind,
  message: string,
  sent: boolean,
  more: { pinned?: readonly string[]; offered?: string; bastion?: string } = {},
): TransportFailure {
  return { ok: false, kind, message: oneLine(message), sent, ...more };
}

/** The same failure, said of a bastion on the way. */
export function ofBastion(failure: TransportFailure, bastion: string): TransportFailure {
  if (failure.bastion !== undefined || failure.kind === 'cancelled') return failure;
  return { ...failure, message: `bastion ${bastion}: ${failure.message}`, bastion };
}

/** Name the failure behind a socket error (errno names of connect(2) and getaddrinfo(3)) before anything was sent. */
export function failureOfSocketError(error: NodeJS.ErrnoException, host: string, port: number): TransportFailure {
  const code = error.code ?? '';
  const at = `${host} port ${port}`;
  if (code.startsWith('EAI_') || code === 'ENOTFOUND' || code === 'ENODATA') {
    return fail('dns', `${host} does not resolve (${code})`, false);
  }
  switch (code) {
    case 'ECONNREFUSED':
      return fail('refused', `${at} refused the connection`, false);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'ENETDOWN':
    case 'EADDRNOTAVAIL':
      return fail('no-route', `there is no route to ${at} (${code})`, false);
    case 'EACCES':
    case 'EPERM':
      return fail('no-route', `a local rule forbids the way to ${at} (${code})`, false);
    case 'ETIMEDOUT':
      return fail('connect-timeout', `${at} did not answer`, false);
    default:
      return fail('closed', `${at}: ${error.message}`, false);
  }
}
