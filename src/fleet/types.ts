import type { DesiredState } from './desired.js';
import type { Knowledge } from './knowledge.js';

/** A host on the way to nodes that cannot be reached directly. */
export interface Bastion {
  name: string;
  address: string;
  port: number;
  user: string;
  /** Private key files, absolute paths. */
  identity: readonly string[];
  /** Handshakes with nodes through it at once, and connections that it carries at once. */
  handshakes?: number;
  channels?: number;
}

/** A node of the fleet with every default filled in. */
export interface FleetNode {
  id: string;
  address: string;
  port: number;
  user: string;
  identity: readonly string[];
  /** Hosts to go through, the one nearest to the operator first; empty for a direct connection. */
  via: readonly Bastion[];
  /** `ssh` is edgectl's own; `openssh` runs the ssh program: certificates, hardware keys, GSSAPI. */
  transport: 'ssh' | 'openssh';
  /** A node that cannot be reached calls its last bastion: the path of its socket there. */
  callHome?: string;
  site: string;
  region: string;
  /** Groups that it is a member of, e.g. those of an Ansible inventory. */
  groups: readonly string[];
  labels: Readonly<Record<string, string>>;
  /** 0..1: how late this node wants to be updated. */
  wariness: number;
  state: 'in-service' | 'drained' | 'retired';
}

/** One line of desired state: which bundle of which component on which nodes. */
export interface DesiredRuntime {
  component: string;
  version: string;
  /** Bundle sha256 per architecture; `all` for any. */
  digests: Readonly<Record<string, string>>;
  /** Selector expression; empty matches every node. */
  on: string;
  /** Bundle server base URL, when not from the local store. */
  source?: string;
}

/** A place with nodes in it. */
export interface FleetSite {
  region: string;
  /** Where it is, for people. */
  address?: string;
  labels: Readonly<Record<string, string>>;
  /** Bastions of its nodes; undefined when it says nothing. */
  via?: readonly string[];
  transport?: FleetNode['transport'];
}

export interface RolloutPolicyStage {
  name: string;
  select?: { labels?: Record<string, string>; limit?: string };
  /** Nodes at once, or a share of the stage such as `25%`. */
  concurrency?: number | string;
  budget?: { groupBy: 'site' | 'region' | 'none'; maxUnavailable: number };
  /** Milliseconds. */
  nodeDeadlineMs?: number;
  progressDeadlineMs?: number;
  offline?: { mode: 'wait' | 'defer' | 'skip' | 'fail'; max?: string };
  gate?: { success?: string; minSample?: number; maxFailed?: number; onFail?: 'pause' | 'rollback' | 'abort' };
  soakMs?: number;
}

/** A rollout policy as written; numbers are resolved against the fleet by the planner. */
export interface RolloutPolicy {
  name: string;
  rehearsal: boolean;
  stages: readonly RolloutPolicyStage[];
  ramp: { start: number; factor: number };
  health: { windowS: number; passes: number; capS: number; confirmS: number };
  maxFailed: number;
  maxStale: number;
  /** Milliseconds that a saved plan may wait before it is started. */
  validForMs: number;
}

/** The loaded fleet repository. */
export interface Fleet {
  /** Directory of fleet.yaml. */
  dir: string;
  /** ULID written by `edgectl init`. */
  id: string;
  name: string;
  /** True for a fleet made by `edgectl lab`. */
  lab: boolean;
  /** sha256 over the canonical form of all its files. */
  digest: string;
  /** One line that says where desired state came from, e.g. `runtimes.yaml @ 4f2c19e`. */
  source: string;
  nodes: readonly FleetNode[];
  /** Declared sites by name; their labels are in the nodes already. */
  sites?: ReadonlyMap<string, FleetSite>;
  runtimes: readonly DesiredRuntime[];
  /** Sysctls, files, units and packages, and what is known of differences. */
  desired?: DesiredState;
  policies: ReadonlyMap<string, RolloutPolicy>;
  /** Facts and run states, when a selector of this command asked for them. */
  knowledge?: Knowledge;
  knownHostsFile: string;
  allowedSignersFile: string;
}
