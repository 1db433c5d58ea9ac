import type { DesiredState } from './desired.js';
import type { Knowledge } from './knowledge.js';
import type { LinkWindow } from './schema/link.js';

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
  /** For nodes that call home to it, what is not as usual: how they reach it, the login for tunnels, the directory of sockets. */
  callHome?: {
    address?: string | undefined;
    port?: number | undefined;
    user?: string | undefined;
    dir?: string | undefined;
  };
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

/** The registry of a site, as its lead node sees it. */
export interface SiteRegistry {
  /** Scheme, host and port, without a slash at the end. */
  url: string;
  kind: 'distribution' | 'zot';
  /** It may be spoken to without TLS though it is not loopback. */
  insecure: boolean;
  /** The node that fills it; the site's first node in service when absent. */
  lead?: string;
  /** Where the lead node keeps what is under way; below the login's state directory when absent. */
  spool?: string;
}

/** What a site's line may be used for. */
export interface SiteLink {
  bytesPerSecond?: number;
  /** None: at any time. */
  windows: readonly LinkWindow[];
  /** IANA name; there when there are windows. */
  zone?: string;
  monthlyBytes?: number;
}

/** One line of images.yaml: an image or artifact that shall be in the registries of sites. */
export interface DesiredImage {
  /** `REGISTRY/REPOSITORY:TAG` or with a digest. */
  image: string;
  /** Selector expression: the sites of these nodes; empty matches every node. */
  on: string;
  /** Only the platforms of the site's nodes, or all. */
  platforms: 'nodes' | 'all';
  /** The source is spoken to without TLS. */
  insecure: boolean;
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
  /** Proxy for HTTP on behalf of its nodes, a URL, or `direct`. */
  proxy?: string;
  registry?: SiteRegistry;
  link?: SiteLink;
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
  /** Declared bastions by name, also those that no node goes through. */
  bastions?: ReadonlyMap<string, Bastion>;
  runtimes: readonly DesiredRuntime[];
  /** What the sites' registries shall hold; nothing when there is no images.yaml. */
  images?: readonly DesiredImage[];
  /** Sysctls, files, units and packages, and what is known of differences. */
  desired?: DesiredState;
  policies: ReadonlyMap<string, RolloutPolicy>;
  /** Facts and run states, when a selector of this command asked for them. */
  knowledge?: Knowledge;
  knownHostsFile: string;
  allowedSignersFile: string;
}
