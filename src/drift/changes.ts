import type { Observation } from '../facts/observed.js';

/** So many changes within a day are no longer an event but a habit. */
export const habit = 4;

/** Attributes of nodes whose value has changed since a time, by node: only these can be flapping. What was first seen after it has not changed. */
export function changedSince(
  before: readonly Observation[],
  now: readonly Observation[],
  since: string,
): Map<string, string[]> {
  const known = new Set(before.filter(({ value }) => value !== undefined).map(placeOf));
  const changed = new Map<string, string[]>();
  for (const observation of now) {
    if (observation.since <= since || !known.has(placeOf(observation))) continue;
    const list = changed.get(observation.node);
    if (list === undefined) changed.set(observation.node, [observation.attribute]);
    else list.push(observation.attribute);
  }
  return changed;
}

/** How often an attribute took another value after a time, from its history, oldest first. Not being seen in between is no change. */
export function changesAfter(history: readonly Observation[], since: string): number {
  let value: string | undefined;
  let changes = 0;
  for (const observation of history) {
    if (observation.value === undefined) continue;
    if (value !== undefined && observation.value !== value && observation.since > since) changes += 1;
    value = observation.value;
  }
  return changes;
}

function placeOf({ node, attribute }: Observation): string {
  return `${node}\n${attribute}`;
}
