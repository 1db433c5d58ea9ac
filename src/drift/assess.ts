import type { Observation } from '../facts/observed.js';
import type { FleetNode } from '../fleet/types.js';
import { absent, attributeOf, componentOf, indexed, observationOf, shown } from './attributes.js';
import type { Advisories } from './advisories.js';
import { classified } from './classify.js';
import { contradictionsOf } from './contradictions.js';
import { comparePeers } from './peers.js';
import type { PeerSettings } from './peers.js';
import type { CompiledRule } from './rules.js';
import type { Contact, ExpiredRule, Expectation, Finding, PendingWork, Seen, Split } from './types.js';

/** Everything that an assessment looks at. Times are RFC 3339 UTC. */
export interface AssessInput {
  nodes: readonly FleetNode[];
  expectations: readonly Expectation[];
  observations: readonly Observation[];
  contacts: readonly Contact[];
  pending: readonly PendingWork[];
  advisories: Advisories;
  rules: readonly CompiledRule[];
  peers: PeerSettings;
  /** Changes within the last day of attributes that change often, by node and attribute. */
  restless: ReadonlyMap<string, ReadonlyMap<string, number>>;
  now: string;
}

/** What came of it: one finding for each difference on each node. */
export interface Assessment {
  findings: Finding[];
  splits: Split[];
  expired: ExpiredRule[];
}

/** Compares what was seen with what should be, with the peers, with advisories and with itself. */
export function assess(input: AssessInput): Assessment {
  return new Assessing(input).run();
}

class Assessing {
  private readonly seen: Seen;
  private readonly contacts: ReadonlyMap<string, Contact>;
  private readonly ids: ReadonlySet<string>;
  private readonly findings: Finding[] = [];
  /** Nodes whose last look told nothing. */
  private readonly away: ReadonlySet<string>;
  /** Attributes that desired state decides, by node. */
  private readonly decided = new Map<string, Set<string>>();

  constructor(private readonly input: AssessInput) {
    this.ids = new Set(input.nodes.map(({ id }) => id));
    this.seen = indexed(input.observations.filter(({ node }) => this.ids.has(node)));
    this.contacts = new Map(input.contacts.map((contact) => [contact.node, contact]));
    this.away = new Set(input.nodes.filter(({ id }) => this.isAway(id)).map(({ id }) => id));
  }

  run(): Assessment {
    this.desired();
    this.findings.push(...contradictionsOf(this.seen));
    this.advisories();
    const splits = this.peers();
    this.restless();
    this.unseen();
    const { findings, expired } = classified(this.findings, {
      pending: this.input.pending,
      rules: this.input.rules,
      away: this.away,
      expectations: this.input.expectations,
      now: this.input.now,
    });
    return { findings, splits, expired };
  }

  private desired(): void {
    for (const expectation of this.input.expectations)
      for (const node of expectation.nodes) {
        if (!this.ids.has(node)) continue;
        const attributes = this.decided.get(node) ?? new Set();
        this.decided.set(node, attributes.add(expectation.attribute));
        const finding = this.differs(expectation, node);
        if (finding !== undefined) this.findings.push(finding);
      }
  }

  private differs(expectation: Expectation, node: string): Finding | undefined {
    const seen = this.seen.get(node);
    // A node of which nothing is known is told once, not once for each value.
    if (seen === undefined) return undefined;
    const { attribute, values, says, severity, where } = expectation;
    const component = componentOf(attribute);
    const observation =
      observationOf(seen, attribute) ?? (component === undefined ? undefined : notThere(seen, attribute));
    const wanted = values['all'] ?? values[seen.get(attributeOf.arch)?.value ?? ''];
    const base = { kind: 'desired', severity, node, attribute, where } as const;
    const expected = says ?? wanted ?? null;
    const times = { since: observation?.since ?? null, seenAt: observation?.seenAt ?? null };
    if (observation?.value === undefined || wanted === undefined) {
      // Of a node that is away it is enough to say that it is.
      if (this.away.has(node)) return undefined;
      const why =
        wanted === undefined
          ? 'no value for its architecture, or that is not known'
          : shown(observation?.unknown ?? 'nobody has looked yet');
      return { ...base, class: 'unknown', found: null, expected, ...times, why };
    }
    if (observation.value === wanted || this.isPartOfAbsence(node, attribute, observation.value)) return undefined;
    const found = component === undefined ? observation.value : versionOr(seen, component, observation.value);
    // Two builds of one version: the digest has to tell them apart.
    const same = found === expected;
    return {
      ...base,
      class: 'unexpected',
      found: shown(same ? observation.value : found),
      expected: same ? wanted : expected,
      ...times,
      why: '',
    };
  }

  /** A file that is not there lacks its mode and owner too; that it is not there says it all. */
  private isPartOfAbsence(node: string, attribute: string, value: string): boolean {
    const file = /^(?<file>file\..+)\.(mode|owner)$/s.exec(attribute)?.groups?.['file'];
    return value === absent && file !== undefined && this.decided.get(node)?.has(`${file}.digest`) === true;
  }

  private advisories(): void {
    const { advisories } = this.input;
    if (advisories.empty) return;
    const drifted = new Map(
      this.findings.map((finding, index) => [`${finding.node}\n${subject(finding.attribute)}`, index]),
    );
    for (const [node, attributes] of this.seen)
      for (const hit of advisories.against(node, attributes)) {
        const index = drifted.get(`${node}\n${subject(hit.attribute)}`);
        const finding = index === undefined ? undefined : this.findings[index];
        // Desired state brings the fix: one finding, and as bad as the fault.
        if (index !== undefined && finding?.kind === 'desired' && finding.class === 'unexpected')
          this.findings[index] = { ...finding, severity: 'security', why: hit.why };
        else this.findings.push(hit);
      }
  }

  private peers(): Split[] {
    const nodes = this.input.nodes.filter(({ id }) => !this.away.has(id));
    const decided = (node: string, attribute: string): boolean => {
      const own = this.decided.get(node);
      if (own === undefined) return false;
      const component = componentOf(attribute);
      return own.has(component === undefined ? attribute : attributeOf.runtimeBundle(component));
    };
    const { findings, splits } = comparePeers({ nodes, seen: this.seen, settings: this.input.peers, decided });
    this.findings.push(...findings);
    return splits;
  }

  private restless(): void {
    const told = new Map(this.findings.map((finding) => [`${finding.node}\n${finding.attribute}`, finding]));
    for (const [node, attributes] of this.input.restless)
      for (const [attribute, changes] of attributes) {
        const finding = told.get(`${node}\n${attribute}`);
        const now = this.seen.get(node)?.get(attribute);
        if (finding !== undefined) finding.changes = changes;
        else if (now !== undefined)
          this.findings.push({
            kind: 'flapping',
            class: 'unexpected',
            severity: 'cosmetic',
            node,
            attribute,
            found: now.value === undefined ? null : shown(now.value),
            expected: null,
            since: now.since,
            seenAt: now.seenAt,
            why: this.decided.get(node)?.has(attribute) === true ? 'it is right now' : '',
            changes,
          });
      }
  }

  private isAway(node: string): boolean {
    const contact = this.contacts.get(node);
    const known = this.seen.get(node);
    if (known === undefined || contact?.reached === false) return true;
    // Something answered, and it said no. Times may be kept to the second.
    return contact !== undefined && Date.parse(newest(known) ?? '') + 2000 < Date.parse(contact.at);
  }

  /** Nodes that could not be asked the last time, or never were. */
  private unseen(): void {
    for (const node of this.away) {
      const known = this.seen.get(node);
      const last = known === undefined ? null : newest(known);
      this.findings.push({
        kind: 'unseen',
        class: 'unknown',
        severity: 'cosmetic',
        node,
        attribute: '',
        found: null,
        expected: null,
        since: last,
        seenAt: last,
        why: whyAway(this.contacts.get(node), last !== null),
      });
    }
  }
}

function whyAway(contact: Contact | undefined, known: boolean): string {
  if (contact === undefined) return known ? 'not asked' : 'never asked';
  if (contact.reached) return 'answers, but tells nothing';
  return known ? 'did not answer' : 'never reached';
}

/** What two findings must share to be about the same thing: the component or package, else the attribute. */
function subject(attribute: string): string {
  const component = componentOf(attribute);
  return component === undefined ? attribute : `runtime.${component}`;
}

/** A runtime as people call it: its version, and whose it is when edgectl does not manage it. */
function versionOr(seen: ReadonlyMap<string, Observation>, component: string, digest: string): string {
  const version = seen.get(attributeOf.runtimeVersion(component))?.value ?? digest;
  return digest === absent && version !== absent ? `${version} of the distribution` : version;
}

/** A node that was asked for a runtime and names no bundle of it has none that edgectl manages. */
function notThere(seen: ReadonlyMap<string, Observation>, attribute: string): Observation | undefined {
  const version = seen.get(attributeOf.runtimeVersion(componentOf(attribute) ?? ''));
  if (version === undefined || version.value === undefined) return version;
  return { ...version, attribute, value: absent };
}

function newest(seen: ReadonlyMap<string, Observation>): string | null {
  let latest: string | null = null;
  for (const { seenAt } of seen.values()) if (latest === null || seenAt > latest) latest = seenAt;
  return latest;
}
