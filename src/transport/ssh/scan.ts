import { setMaxListeners } from 'node:events';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import { dial } from '../dial.js';
import { fail } from '../failure.js';
import { fingerprint, keyTypeOf } from '../fingerprint.js';
import type { HostKey } from '../known-hosts/edit.js';
import type { TransportFailure } from '../types.js';
import { algorithmsFor, scannedAlgorithms } from './algorithms.js';
import { defaultSshLimits } from './limits.js';
import { loadSsh2, type Ssh2 } from './load.js';

/** A host key that a node offered. */
export interface ScannedKey extends HostKey {
  fingerprint: string;
}

/** How long a scan may wait, milliseconds. */
export interface ScanOptions {
  connectMs?: number;
  handshakeMs?: number;
  signal?: AbortSignal;
}

/** Ask a node for its host keys of every type, one key exchange each; nothing is authenticated, nothing is sent. */
export async function scanHostKeys(
  host: string,
  port: number,
  options: ScanOptions = {},
): Promise<ScannedKey[] | TransportFailure> {
  if (options.signal !== undefined) setMaxListeners(0, options.signal);
  const ssh2 = await loadSsh2();
  const [first, ...others] = scannedAlgorithms;
  if (first === undefined) return [];
  // The first exchange alone tells whether there is an sshd at all.
  const probe = await scanOne(ssh2, host, port, first, options);
  if (probe !== undefined && 'ok' in probe) return probe;
  const rest = await Promise.all(others.map((algorithm) => scanOne(ssh2, host, port, algorithm, options)));
  const failed = rest.find((result) => result !== undefined && 'ok' in result);
  const keys = [probe, ...rest].filter((result): result is ScannedKey => result !== undefined && !('ok' in result));
  if (keys.length > 0 && failed === undefined) return keys;
  if (failed !== undefined && 'ok' in failed) return failed;
  return fail('closed', `${host} port ${port} has no host key of a type that can be checked`, false);
}

async function scanOne(
  ssh2: Ssh2,
  host: string,
  port: number,
  algorithm: ServerHostKeyAlgorithm,
  options: ScanOptions,
): Promise<ScannedKey | TransportFailure | undefined> {
  const socket = await dial(host, port, options.connectMs ?? defaultSshLimits.connectMs, options.signal);
  if ('ok' in socket) return socket;
  const client = new ssh2.Client();
  return new Promise((resolve) => {
    const finish = (result: ScannedKey | TransportFailure | undefined): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(result);
    };
    const handshakeMs = options.handshakeMs ?? defaultSshLimits.handshakeMs;
    const timer = setTimeout(() => {
      finish(
        fail('handshake-timeout', `${host} port ${port}: sshd did not answer within ${handshakeMs / 1000} s`, false),
      );
    }, handshakeMs);
    const onAbort = (): void => finish(fail('cancelled', 'cancelled', false));
    options.signal?.addEventListener('abort', onAbort, { once: true });
    client.on('error', (error) => {
      const absent = /no matching host key format/u.test(error.message);
      finish(absent ? undefined : fail('closed', `${host} port ${port}: ${error.message}`, false));
    });
    client.on('close', () => finish(fail('closed', `${host} port ${port} closed the connection`, false)));
    client.connect({
      sock: socket,
      username: 'scan',
      ident: 'edgectl',
      readyTimeout: 0,
      algorithms: algorithmsFor([algorithm]),
      hostVerifier: (blob: Buffer) => {
        finish({ type: keyTypeOf(blob) ?? '', key: blob.toString('base64'), fingerprint: fingerprint(blob) });
        return false;
      },
    });
  });
}
