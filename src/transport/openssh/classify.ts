import { fail } from '../failure.js';
import type { TransportFailure, TransportFailureKind } from '../types.js';

/** What ssh wrote into its own log (`-E`), apart from what the remote command said. */
export interface SshLog {
  /** Messages, without those for debugging. */
  messages: string[];
  /** The remote command was asked for: it may have run. */
  sent: boolean;
  /** Exit status that sshd reported. */
  status: number | undefined;
  /** A signal ended the remote command. */
  signalled: boolean;
  /** A master carried it, and went away or was told of a signal: which of the two, only asking the master tells. */
  masterEnded: boolean;
  /** It made a connection of its own. */
  ownConnection: boolean;
  /** sshd sent its version: it is there. */
  answered: boolean;
  /** Fingerprint of the offered host key. */
  offered: string | undefined;
}

/** Read a log of ssh at LogLevel DEBUG2. (The remote side can put nothing into it but lines that begin with `debug`.) */
export function parseSshLog(text: string): SshLog {
  const lines = text.split(/\r?\n/u).filter((line) => line !== '');
  const first = (pattern: RegExp): string | undefined =>
    lines.map((line) => pattern.exec(line)?.[1]).find((found) => found !== undefined);
  const has = (pattern: RegExp): boolean => lines.some((line) => pattern.test(line));
  const status = first(/^debug1: Exit status (\d+)$/u) ?? first(/^debug2: Received exit status from master (\d+)$/u);
  return {
    messages: lines.filter(
      (line) => !/^debug\d: /u.test(line) && !/^(Authenticated to|Transferred:|Bytes per second)/u.test(line),
    ),
    // A master may have passed it on before it said so.
    sent: has(/^debug1: Sending command|^debug2: mux_client_hello_exchange: /u),
    status: status === undefined ? undefined : Number(status),
    signalled: has(/^debug1: client_input_channel_req: channel \d+ rtype exit-signal /u),
    masterEnded: has(/^debug2: Control master terminated unexpectedly/u),
    ownConnection: has(/^debug1: Connecting to |^debug1: Executing proxy command/u),
    answered: has(/^debug1: Remote protocol version /u),
    offered: first(/^debug1: Server host (?:key|certificate): (?:\S+ )?(SHA256:[A-Za-z0-9+/=]+)/u),
  };
}

const table: readonly [RegExp, TransportFailureKind][] = [
  [/REMOTE HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY|was revoked|host key .*revoked/iu, 'host-key-changed'],
  [/^Host key for .* has changed/iu, 'host-key-changed'],
  [/^No .*host key is known for |^No matching host key|^Host key verification failed/iu, 'host-key-unknown'],
  [/^Certificate invalid|^No host certificate|Host certificate/iu, 'host-key-unknown'],
  [/Permission denied \(|Too many authentication failures|^no more authentication methods/iu, 'auth'],
  [/Could not resolve hostname/iu, 'dns'],
  [/timed out during banner exchange|Connection to .* timed out$/iu, 'handshake-timeout'],
  [/: Connection refused$/iu, 'refused'],
  [/: (No route to host|Network is unreachable|Host is down|Permission denied|Operation not permitted)$/iu, 'no-route'],
  [/: (Connection|Operation) timed out$/iu, 'connect-timeout'],
];

/** Name the failure of an ssh that did not get to its command. `place` is the sshd, for messages. */
export function classifyLogin(log: SshLog, place: string, pinned: readonly string[]): TransportFailure {
  const found = log.messages.flatMap((message) => {
    const kind = table.find(([pattern]) => pattern.test(message))?.[1];
    return kind === undefined ? [] : [{ kind, message }];
  });
  // The first that has a name says most: the rest is what follows from it.
  const hostKey = found.find(({ kind }) => kind.startsWith('host-key'));
  if (hostKey !== undefined) return hostKeyFailure(hostKey, log, place, pinned);
  const first = found[0];
  if (first === undefined) {
    const said = log.messages.at(-1) ?? 'ssh ended without a word';
    return fail('closed', `${place}: ${said}`, false);
  }
  return fail(first.kind, `${place}: ${first.message.replace(/^ssh: /u, '')}`, false);
}

function hostKeyFailure(
  found: { kind: TransportFailureKind; message: string },
  log: SshLog,
  place: string,
  pinned: readonly string[],
): TransportFailure {
  const offered = log.offered;
  const keys = { pinned, ...(offered === undefined ? {} : { offered }) };
  const it = offered === undefined ? 'another host key' : offered;
  const revoked = log.messages.some((line) => /revoked/iu.test(line));
  if (revoked) return fail('host-key-changed', `${place} offers a revoked host key, ${it}`, false, keys);
  if (pinned.length === 0) {
    const message = `${place} is not in known_hosts; it offers ${it}`;
    return fail('host-key-unknown', found.kind === 'host-key-unknown' ? message : `${place} offers ${it}`, false, keys);
  }
  return fail('host-key-changed', `${place} offers ${it}, pinned is ${pinned.join(', ')}`, false, keys);
}

/** Name the failure of `ssh -W` on a bastion: what its sshd said of the way on. Undefined when it is about the bastion itself. */
export function classifyForward(log: SshLog, place: string, bastion: string): TransportFailure | undefined {
  const said = log.messages
    .map((line) => /open failed: (?<reason>[^:]+): (?<text>.*)$/u.exec(line)?.groups)
    .find((groups) => groups !== undefined);
  if (said === undefined) return undefined;
  const { reason = '', text = '' } = said;
  if (/prohibited/u.test(reason)) {
    const why = `bastion ${bastion} does not forward to ${place}: AllowTcpForwarding or PermitOpen there forbids it`;
    return fail('forward-refused', `${why} (${text})`, false, { bastion });
  }
  const kind = table.find(([pattern]) => pattern.test(`: ${text}`))?.[1];
  const dns = /name or service|name resolution|no address|not known/iu.test(text);
  return fail(dns ? 'dns' : (kind ?? 'no-route'), `${place}: ${text}, seen from bastion ${bastion}`, false);
}
