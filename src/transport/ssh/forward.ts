import type { Client, ClientCallback, ClientChannel } from 'ssh2';
import { fail } from '../failure.js';
import type { TransportFailure, TransportFailureKind } from '../types.js';

/** Where a bastion shall connect to: an address, or the socket of a node that called home. */
export type Destination = { host: string; port: number } | { socketPath: string };

// RFC 4254, 5.1
const prohibited = 1;
const connectFailed = 2;
const unknownType = 3;

// sshd sends the words of strerror(3) and gai_strerror(3), in the C locale.
const causes: readonly [RegExp, TransportFailureKind, string][] = [
  [/connection refused/iu, 'refused', 'refused the connection'],
  [/timed out/iu, 'connect-timeout', 'did not answer'],
  [/no route|unreachable|host is down/iu, 'no-route', 'cannot be reached'],
  [/name or service|name resolution|no address|node ?name|not known/iu, 'dns', 'does not resolve'],
];

/** The destination as messages name it. */
export function placeOf(to: Destination): string {
  return 'host' in to ? `${to.host} port ${to.port}` : to.socketPath;
}

/** Open a channel through a bastion, within a deadline. Which of the two failed, the bastion or what lies behind it, is told apart. */
export function forwardOn(
  client: Client,
  bastion: string,
  to: Destination,
  how: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<ClientChannel | TransportFailure> {
  const { timeoutMs, signal } = how;
  if (signal?.aborted === true) return Promise.resolve(fail('cancelled', 'cancelled', false));
  return new Promise((resolve) => {
    let done = false;
    const finish = (result: ClientChannel | TransportFailure): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const onAbort = (): void => finish(fail('cancelled', 'cancelled', false));
    const timer = setTimeout(() => {
      const seconds = timeoutMs / 1000;
      finish(fail('connect-timeout', `${placeOf(to)} did not answer ${bastion} within ${seconds} s`, false));
    }, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    const opened = (error: (Error & { reason?: unknown }) | undefined | null, channel: ClientChannel): void => {
      if (error !== undefined && error !== null) return finish(explain(error, bastion, to));
      if (done) channel.close();
      else finish(channel);
    };
    try {
      if ('host' in to) client.forwardOut('127.0.0.1', 0, to.host, to.port, opened);
      else openSocket(client, to.socketPath, opened);
    } catch (error) {
      finish(fail('closed', `bastion ${bastion}: ${(error as Error).message}`, false, { bastion }));
    }
  });
}

// ssh2 opens sockets only on servers whose version says OpenSSH, and the handshake has taken that version away (see
// there); whether the server can do it, its answer tells.
function openSocket(client: Client, path: string, opened: ClientCallback): void {
  const { config } = client as Client & { config?: { strictVendor?: boolean } };
  const strict = config?.strictVendor;
  if (config !== undefined) config.strictVendor = false;
  try {
    client.openssh_forwardOutStreamLocal(path, opened);
  } finally {
    if (config !== undefined && strict !== undefined) config.strictVendor = strict;
  }
}

function explain(error: Error & { reason?: unknown }, bastion: string, to: Destination): TransportFailure {
  const said = error.message.replace(/^\(SSH\) Channel open failure: /u, '');
  if (error.reason === prohibited || error.reason === unknownType) {
    const why = `bastion ${bastion} does not forward to ${placeOf(to)}: AllowTcpForwarding or PermitOpen there forbids it`;
    return fail('forward-refused', `${why} (${said})`, false, { bastion });
  }
  if (error.reason !== connectFailed) return fail('closed', `bastion ${bastion}: ${said}`, false, { bastion });
  // Of a socket sshd says nothing more; a node that has not called home leaves none, or a dead one.
  if (!('host' in to))
    return fail('refused', `the node has no open tunnel to bastion ${bastion} (${to.socketPath})`, false);
  const [, kind, what] = causes.find(([pattern]) => pattern.test(said)) ?? [undefined, 'no-route', `failed: ${said}`];
  return fail(kind as TransportFailureKind, `${placeOf(to)} ${what}, seen from bastion ${bastion}`, false);
}
