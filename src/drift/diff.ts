import type { Observation } from '../facts/observed.js';
import { shown } from './attributes.js';

/** One attribute in which two nodes differ; null where a node has no such attribute, `why` where it could not be seen. */
export interface AttributeDifference {
  attribute: string;
  a: { value: string | null; unknown?: string };
  b: { value: string | null; unknown?: string };
}

/** In what two nodes differ, in order of names, and in how many attributes they agree. `own`: attributes that every node has its own value of. */
export function differences(
  a: readonly Observation[],
  b: readonly Observation[],
  own: (attribute: string) => boolean,
): { differences: AttributeDifference[]; same: number } {
  const left = new Map(a.map((one) => [one.attribute, one]));
  const right = new Map(b.map((one) => [one.attribute, one]));
  const names = [...new Set([...left.keys(), ...right.keys()])].filter((name) => !own(name)).sort();
  const found: AttributeDifference[] = [];
  let same = 0;
  for (const attribute of names) {
    const [one, other] = [left.get(attribute), right.get(attribute)];
    if (one?.value !== undefined && one.value === other?.value) same += 1;
    // What could be seen on neither is no difference.
    else if (one?.value !== undefined || other?.value !== undefined)
      found.push({ attribute: shown(attribute), a: side(one), b: side(other) });
  }
  return { differences: found, same };
}

function side(observation: Observation | undefined): { value: string | null; unknown?: string } {
  if (observation?.value !== undefined) return { value: shown(observation.value) };
  return { value: null, ...(observation?.unknown === undefined ? {} : { unknown: shown(observation.unknown) }) };
}
