/** Bounds of the SSH transport. Times in milliseconds. */
export interface SshLimits {
  /** Name lookup and TCP connect. */
  connectMs: number;
  /** From an open TCP connection to an authenticated session; waiting for a free handshake slot is not counted. */
  handshakeMs: number;
  /** How long a pooled connection may lie unused. */
  idleMs: number;
  /** Pause between keepalive requests; three unanswered ones end the connection. */
  keepaliveMs: number;
  /** Handshakes at once when the machine is busy, and at most when it is idle (a long round trip costs no CPU). */
  handshakes: { min: number; max: number };
}

/** Limits for ordinary fleets; slow satellite links stay below them. */
export const defaultSshLimits: SshLimits = {
  connectMs: 10_000,
  handshakeMs: 20_000,
  idleMs: 60_000,
  keepaliveMs: 15_000,
  handshakes: { min: 32, max: 256 },
};
