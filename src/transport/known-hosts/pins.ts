import { fingerprint } from '../fingerprint.js';
import { namesMatch, type KnownHostsLine } from './parse.js';

/** What a known_hosts file says of one node. */
export interface HostPins {
  /** Accepted key blobs, base64. */
  keys: readonly { type: string; key: string }[];
  /** Key blobs that must never be accepted, base64. */
  revoked: readonly string[];
  /** True when only a certificate authority is named; this transport does not read host certificates. */
  authorityOnly: boolean;
}

/** Collect what the lines of a known_hosts file say of a node id. */
export function pinsFor(lines: readonly KnownHostsLine[], nodeId: string): HostPins {
  const matching = lines.flatMap(({ host }) => (host !== undefined && namesMatch(host.names, nodeId) ? [host] : []));
  const keys = matching.filter((host) => host.marker === undefined).map(({ type, key }) => ({ type, key }));
  return {
    keys,
    revoked: matching.filter((host) => host.marker === 'revoked').map((host) => host.key),
    authorityOnly: keys.length === 0 && matching.some((host) => host.marker === 'cert-authority'),
  };
}

/** The verdict on a host key that a node offered. */
export type HostKeyVerdict =
  | { ok: true }
  | { ok: false; kind: 'host-key-unknown' | 'host-key-changed'; why: string; pinned: string[]; offered: string };

/** Compare an offered host key with the pins of its node. A revoked key is refused even when it is pinned. */
export function judgeHostKey(pins: HostPins, nodeId: string, offeredBlob: Buffer): HostKeyVerdict {
  const key = offeredBlob.toString('base64');
  const pinned = pins.keys.map((pin) => fingerprint(Buffer.from(pin.key, 'base64')));
  const offered = fingerprint(offeredBlob);
  const refuse = (kind: 'host-key-unknown' | 'host-key-changed', why: string): HostKeyVerdict => ({
    ok: false,
    kind,
    why,
    pinned,
    offered,
  });
  if (pins.revoked.includes(key)) return refuse('host-key-changed', `${nodeId} offers a revoked host key, ${offered}`);
  if (pins.keys.some((pin) => pin.key === key)) return { ok: true };
  if (pins.authorityOnly) {
    return refuse('host-key-unknown', `${nodeId} is known only by a certificate authority, which ssh2 cannot check`);
  }
  if (pins.keys.length === 0)
    return refuse('host-key-unknown', `${nodeId} is not in known_hosts; it offers ${offered}`);
  return refuse('host-key-changed', `${nodeId} offers ${offered}, pinned is ${pinned.join(', ')}`);
}
