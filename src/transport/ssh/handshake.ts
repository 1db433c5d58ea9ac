import type { Client } from 'ssh2';
import { fail } from '../failure.js';
import { judgeHostKey, type HostPins, type HostKeyVerdict } from '../known-hosts/pins.js';
import type { Endpoint, TransportFailure } from '../types.js';
import { algorithmsFor, hostKeyPreference } from './algorithms.js';
import { authHandler, authMessage, type AuthPlan } from './auth.js';
import { batchWrites } from './batch-writes.js';
import type { SshLimits } from './limits.js';
import type { Ssh2 } from './load.js';
import type { Wire } from './wire.js';

/** What a handshake needs besides its wire. */
export interface HandshakeInput {
  ssh2: Ssh2;
  wire: Wire;
  target: Endpoint;
  pins: HostPins;
  auth: AuthPlan;
  limits: SshLimits;
  signal?: AbortSignal;
}

/** Key exchange, host key check and authentication over an open wire. The check comes before the first encrypted byte. */
export function handshake(input: HandshakeInput): Promise<Client | TransportFailure> {
  return new Handshake(input).run();
}

class Handshake {
  readonly #client: Client;
  #phase: 'key exchange' | 'authentication' = 'key exchange';
  #refused: Extract<HostKeyVerdict, { ok: false }> | undefined;
  readonly #notes: string[] = [];
  #lastError: Error | undefined;

  constructor(private readonly input: HandshakeInput) {
    this.#client = new input.ssh2.Client();
  }

  run(): Promise<Client | TransportFailure> {
    const { signal, wire, limits } = this.input;
    return new Promise((resolve) => {
      const finish = (result: Client | TransportFailure): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#client.removeAllListeners();
        // ssh2 may still emit errors on a connection that was given up; unheard ones would end the process.
        this.#client.on('error', () => undefined);
        if (result !== this.#client) wire.drop();
        resolve(result);
      };
      const onAbort = (): void => finish(fail('cancelled', 'cancelled', false));
      const timer = setTimeout(() => finish(this.#timedOut()), limits.handshakeMs);
      if (signal?.aborted === true) return finish(fail('cancelled', 'cancelled', false));
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#client.on('handshake', () => {
        this.#phase = 'authentication';
        declineHostKeyProofs(this.#client);
      });
      this.#client.on('ready', () => finish(this.#client));
      this.#client.on('error', (error: Error & { level?: string }) => {
        if (isAuthNote(error)) this.#notes.push(error.message);
        else {
          this.#lastError = error;
          finish(this.#explain());
        }
      });
      this.#client.on('close', () => finish(this.#explain()));
      // sshd may have hung up while the wire waited for its turn; ssh2 would not hear of it any more.
      if (wire.gone()) finish(this.#explain());
      else this.#start();
    });
  }

  #start(): void {
    const { target, pins, auth, limits, wire } = this.input;
    batchWrites(wire.stream);
    this.#client.connect({
      sock: wire.stream,
      username: target.user,
      ident: 'edgectl',
      readyTimeout: 0,
      keepaliveInterval: limits.keepaliveMs,
      keepaliveCountMax: 3,
      algorithms: algorithmsFor(hostKeyPreference(pins.keys.map((pin) => pin.type))),
      hostVerifier: (blob: Buffer) => this.#verify(blob),
      authHandler: authHandler(auth.methods),
    });
  }

  #verify(blob: Buffer): boolean {
    const verdict = judgeHostKey(this.input.pins, this.input.target.nodeId, blob);
    if (verdict.ok) return true;
    this.#refused = verdict;
    return false;
  }

  #explain(): TransportFailure {
    const { target, auth, wire } = this.input;
    if (this.#refused !== undefined) {
      const { kind, why, pinned, offered } = this.#refused;
      return fail(kind, why, false, { pinned, offered });
    }
    const text = this.#lastError?.message ?? '';
    const at = wire.where;
    if (/host key format/u.test(text) && this.input.pins.keys.length > 0) {
      return fail('host-key-changed', `${target.nodeId} offers no host key of a type that can be checked`, false);
    }
    if (this.#phase === 'authentication' && /authentication/iu.test(text)) {
      return fail('auth', authMessage(auth, target, this.#notes), false);
    }
    if (this.#phase === 'authentication') {
      return fail('closed', `${at} closed the connection during authentication${colon(text)}`, false);
    }
    return fail('closed', `${at} closed the connection during the key exchange${colon(text)}`, false);
  }

  #timedOut(): TransportFailure {
    const { wire, limits } = this.input;
    const seconds = limits.handshakeMs / 1000;
    const at = wire.where;
    return fail(
      'handshake-timeout',
      `${at} accepted the connection but sshd did not finish the ${this.#phase} within ${seconds} s`,
      false,
    );
  }
}

// Errors that ssh2 reports on its way to the next key; the handshake goes on.
function isAuthNote(error: Error & { level?: string }): boolean {
  if (error.level === 'agent') return true;
  return error.level === 'client-authentication' && !/^All configured/u.test(error.message);
}

function colon(text: string): string {
  return text === '' ? '' : `: ${text}`;
}

// After login OpenSSH tells all of its host keys, and ssh2 makes it prove each by a signature that nobody here reads: an
// RSA signature on a small node, and a verification for us. ssh2 asks only servers whose version says OpenSSH, and it
// has no option for it; when this private field goes away, the proofs come back and nothing else changes.
function declineHostKeyProofs(client: Client): void {
  (client as Client & { _remoteVer?: string | undefined })._remoteVer = undefined;
}
