import { setMaxListeners } from 'node:events';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import { fail } from '../failure.js';
import { fingerprint, keyTypeOf } from '../fingerprint.js';
import type { HostKey } from '../known-hosts/edit.js';
import type { TransportFailure } from '../types.js';
import { algorithmsFor, scannedAlgorithms } from './algorithms.js';
import { defaultSshLimits } from './limits.js';
import { loadSsh2, type Ssh2 } from './load.js';
import { dialWire, type Wire } from './wire.js';

/** A host key that a node offered. */
export interface ScannedKey extends HostKey {
  fingerprint: string;
}

/** How long a scan may wait, milliseconds. */
export interface ScanOptions {
  connectMs?: number;
  handshakeMs?: number;
  signal?: AbortSignal;
  /** Opens a connection to the sshd, when it is not reached directly. */
  reach?: () => Promise<Wire | TransportFailure>;
}

/**
 * Ask a node for its host keys of every type; nothing is authenticated, nothing is sent. One connection for each key that
 * the node has and none to find out: OpenSSH 9.8 counts connections that do not log in, and refuses their source for a
 * while when there are many (PerSourcePenalties in sshd_config(5)).
 */
export async function scanHostKeys(
  host: string,
  port: number,
  options: ScanOptions = {},
): Promise<ScannedKey[] | TransportFailure> {
  if (options.signal !== undefined) setMaxListeners(0, options.signal);
  const ssh2 = await loadSsh2();
  const offered = new Set<string>();
  const first = await scanOne(ssh2, host, port, scannedAlgorithms, options, offered);
  if (first === undefined)
    return fail('closed', `${host} port ${port} has no host key of a type that can be checked`, false);
  if ('ok' in first) return first;
  const others = scannedAlgorithms.filter((name) => offered.has(name) && !sameType(name, first.type));
  const rest = await Promise.all(others.map((name) => scanOne(ssh2, host, port, [name], options)));
  const failed = rest.find((result) => result !== undefined && 'ok' in result);
  if (failed !== undefined && 'ok' in failed) return failed;
  return [first, ...rest.filter((result): result is ScannedKey => result !== undefined && !('ok' in result))];
}

/** RSA keys are of type ssh-rsa, whatever the hash of the signature. */
function sameType(algorithm: string, type: string): boolean {
  return algorithm === type || (algorithm.startsWith('rsa-') && type === 'ssh-rsa');
}

async function scanOne(
  ssh2: Ssh2,
  host: string,
  port: number,
  algorithms: readonly ServerHostKeyAlgorithm[],
  options: ScanOptions,
  offered?: Set<string>,
): Promise<ScannedKey | TransportFailure | undefined> {
  const connectMs = options.connectMs ?? defaultSshLimits.connectMs;
  const wire = await (options.reach?.() ?? dialWire(host, port, connectMs, options.signal));
  if ('ok' in wire) return wire;
  const client = new ssh2.Client();
  return new Promise((resolve) => {
    const finish = (result: ScannedKey | TransportFailure | undefined): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
      wire.drop();
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
      sock: wire.stream,
      username: 'scan',
      ident: 'edgectl',
      readyTimeout: 0,
      algorithms: algorithmsFor([...algorithms]),
      // ssh2 tells what the other side offers here only.
      ...(offered === undefined ? {} : { debug: (line: string) => noteOffered(line, offered) }),
      hostVerifier: (blob: Buffer) => {
        finish({ type: keyTypeOf(blob) ?? '', key: blob.toString('base64'), fingerprint: fingerprint(blob) });
        return false;
      },
    });
  });
}

function noteOffered(line: string, offered: Set<string>): void {
  const list = /^Handshake: \(remote\) Host key format: (?<names>\S+)$/u.exec(line)?.groups?.['names'];
  for (const name of list?.split(',') ?? []) offered.add(name);
}
