import type { Observation } from '../facts/observed.js';

/** What is to be thought of a difference. */
export type FindingClass = 'unexpected' | 'pending' | 'expected' | 'unknown';

/** How bad it is, worst first. */
export type Severity = 'security' | 'breaking' | 'cosmetic';

/**
 * What a finding is about: desired state that is not met, a node unlike its peers, a version with a known fault, a node that
 * says two things, a value that keeps changing, a node that could not be asked.
 */
export type FindingKind = 'desired' | 'peers' | 'advisory' | 'contradiction' | 'flapping' | 'unseen';

/** A place in a file of the fleet repository; line and column from 1. */
export interface Where {
  file: string;
  line: number;
  column: number;
}

/** A value that some nodes should have. */
export interface Expectation {
  attribute: string;
  /** Canonical value by architecture; `all` for any. `absent`: it must not be there. */
  values: Readonly<Record<string, string>>;
  /** What a person would call the value, e.g. the version of a digest. */
  says?: string;
  nodes: ReadonlySet<string>;
  severity: Severity;
  where: Where;
}

/** Work that a run in the journal has still to do on a node. */
export interface PendingWork {
  node: string;
  component: string;
  /** Digest of the bundle that it brings, `sha256:<hex>`; null when it takes the component away. */
  digest: string | null;
  run: string;
}

/** One difference on one node. Texts of nodes are escaped and at most {@link longestText} characters long. */
export interface Finding {
  kind: FindingKind;
  class: FindingClass;
  severity: Severity;
  node: string;
  /** Empty for a node that was not seen. */
  attribute: string;
  /** What is there, or was when it was last seen; null when that is not known. */
  found: string | null;
  /** What should be there; null when nobody says. */
  expected: string | null;
  /** RFC 3339 UTC: since when it is so, as far as the operator knows; null when it was never seen. */
  since: string | null;
  seenAt: string | null;
  /** One sentence more, may be empty. */
  why: string;
  /** Where the expectation, advisory or rule is written. */
  where?: Where;
  /** The run that will put it right. */
  run?: string;
  /** Changes within the last day, when it keeps changing. */
  changes?: number;
}

/** A rule of drift.yaml that has run out, and what it would still hide. */
export interface ExpiredRule {
  reason: string;
  owner: string;
  expires: string;
  where: Where;
  hides: number;
}

/** Peers that do not agree and have no clear majority. */
export interface Split {
  group: string;
  attribute: string;
  /** Most nodes first. */
  values: { value: string; nodes: string[] }[];
}

/** When a node was last asked. */
export interface Contact {
  node: string;
  at: string;
  reached: boolean;
}

/** Observations by node and attribute. */
export type Seen = ReadonlyMap<string, ReadonlyMap<string, Observation>>;

/** Values longer than this are cut. Characters. */
export const longestText = 512;
