/**
 * One attribute of one node as it was seen, for example `runtime.containerd.version`, `sysctl.net.ipv4.ip_forward`
 * or `file./etc/motd.digest`. Exactly one of `value` and `unknown` is there.
 */
export interface Observation {
  node: string;
  /** Dotted name of the attribute; the first part is its section. */
  attribute: string;
  /** Canonical text: numbers in decimal, sizes in bytes, times in RFC 3339 UTC, digests as `sha256:<hex>`. */
  value?: string;
  /** Why it could not be seen, for example `privilege`, `timeout`, `no sysctl here`. */
  unknown?: string;
  /** When the operator last received this answer; RFC 3339 UTC by the operator's clock, never the node's. */
  seenAt: string;
  /** When the operator first received it with no other value in between. */
  since: string;
}

/** What was seen of nodes: the store of the journal, or a list in a test. Times are RFC 3339 UTC. */
export interface ObservationSource {
  /** The newest of each attribute of each node, or as it was known at a time. */
  latest(filter?: { nodes?: readonly string[]; at?: string }): Promise<Observation[]>;
  /** Every change, oldest first. */
  history(node: string, attribute?: string): Promise<Observation[]>;
  /** When each node was last asked, and whether it could be reached. */
  contacts(): Promise<{ node: string; at: string; reached: boolean }[]>;
}
