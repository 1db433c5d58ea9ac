import { connect, isIP, type Socket } from 'node:net';
import { fail, failureOfSocketError } from './failure.js';
import type { TransportFailure } from './types.js';

// Node gives up on an address after 250 ms when a name has several; a satellite link needs two seconds for a SYN.
const perAddressMs = 4000;

/** Open a TCP connection, Nagle off. `timeoutMs` covers name lookup and connect; which of the two was slow is told apart. */
export function dial(
  host: string,
  port: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Socket | TransportFailure> {
  if (signal?.aborted === true) return Promise.resolve(fail('cancelled', 'cancelled', false));
  return new Promise((resolve) => {
    let resolved = isIP(host) !== 0;
    const socket = connect({ host, port, noDelay: true, autoSelectFamilyAttemptTimeout: perAddressMs });
    const finish = (result: Socket | TransportFailure): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeAllListeners();
      if (result !== socket) {
        // A late error of a socket that was given up must not become an uncaught exception.
        socket.on('error', () => undefined);
        socket.destroy();
      }
      resolve(result);
    };
    const onAbort = (): void => finish(fail('cancelled', 'cancelled', false));
    const timer = setTimeout(() => {
      const seconds = timeoutMs / 1000;
      finish(
        resolved
          ? fail('connect-timeout', `${host} port ${port} did not answer within ${seconds} s`, false)
          : fail('dns', `${host} did not resolve within ${seconds} s`, false),
      );
    }, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('lookup', (error: Error | null) => {
      resolved = error === null;
    });
    socket.once('connect', () => finish(socket));
    socket.once('error', (error) => finish(failureOfSocketError(error, host, port)));
  });
}
