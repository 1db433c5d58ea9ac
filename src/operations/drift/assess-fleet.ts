import { Advisories } from '../../drift/advisories.js';
import { assess } from '../../drift/assess.js';
import type { Assessment } from '../../drift/assess.js';
import { changedSince, changesAfter, habit } from '../../drift/changes.js';
import { expectationsOf } from '../../drift/expectations.js';
import { peerSettingsOf, rulesOf } from '../../drift/rules.js';
import type { Contact, PendingWork } from '../../drift/types.js';
import type { Observation, ObservationSource } from '../../facts/observed.js';
import type { Fleet, FleetNode } from '../../fleet/types.js';
import { mapLimit } from '../../util/map-limit.js';

/** What an assessment is made from. */
export interface AssessSources {
  fleet: Fleet;
  source: ObservationSource;
  pending: readonly PendingWork[];
  /** Milliseconds since the epoch. */
  now: number;
}

/** An assessment, what it looked at, and the same desired state against an earlier time. */
export interface FleetAssessment {
  nodes: readonly FleetNode[];
  observations: Observation[];
  contacts: Contact[];
  now: Assessment;
  before?: Assessment;
}

const day = 24 * 60 * 60 * 1000;
/** Histories read at most: more attributes that changed on one day are an upheaval, not a habit. */
const mostHistories = 5000;

/**
 * Compares what is known of the fleet with desired state, peers and advisories; with `since` also what was known then. The whole
 * fleet is compared, because peers are only peers together; who asks for some nodes takes their findings.
 */
export async function assessFleet(sources: AssessSources, since?: string): Promise<FleetAssessment> {
  const { fleet, source, now } = sources;
  const nodes = fleet.nodes.filter((node) => node.state !== 'retired');
  const [observations, contacts] = await Promise.all([source.latest(), source.contacts()]);
  const common = {
    nodes,
    expectations: expectationsOf(fleet),
    advisories: new Advisories(fleet.desired?.advisories),
    rules: rulesOf(fleet),
    peers: peerSettingsOf(fleet),
    pending: sources.pending,
  };
  const restless = await restlessOf(sources, observations);
  const at = new Date(now).toISOString();
  const current = assess({ ...common, observations, contacts, restless, now: at });
  if (since === undefined) return { nodes, observations, contacts, now: current };
  const earlier = await source.latest({ at: since });
  const before = assess({
    ...common,
    observations: earlier,
    contacts: contactsThen(earlier),
    restless: new Map(),
    now: at,
  });
  return { nodes, observations, contacts, now: current, before };
}

/** Who was reached then is not kept; who was known then had been. */
function contactsThen(observations: readonly Observation[]): Contact[] {
  const newest = new Map<string, string>();
  for (const { node, seenAt } of observations) if ((newest.get(node) ?? '') < seenAt) newest.set(node, seenAt);
  return [...newest].map(([node, at]) => ({ node, at, reached: true }));
}

/** Attributes that changed so often within a day that the change is a habit. */
async function restlessOf(
  { source, now }: AssessSources,
  observations: readonly Observation[],
): Promise<Map<string, Map<string, number>>> {
  const since = new Date(now - day).toISOString();
  const restless = new Map<string, Map<string, number>>();
  const recent = observations.filter((one) => one.since > since);
  if (recent.length === 0) return restless;
  const then = await source.latest({ at: since, nodes: [...new Set(recent.map(({ node }) => node))] });
  const places = [...changedSince(then, recent, since)].flatMap(([node, attributes]) =>
    attributes.map((attribute) => ({ node, attribute })),
  );
  await mapLimit(places.slice(0, mostHistories), 16, async ({ node, attribute }) => {
    const changes = changesAfter(await source.history(node, attribute), since);
    if (changes < habit) return;
    const known = restless.get(node) ?? new Map<string, number>();
    restless.set(node, known.set(attribute, changes));
  });
  return restless;
}
