import type { RawFacts } from './raw.js';

/** The version of the control group hierarchy, 1 or 2. */
export function cgroupFact(raw: RawFacts): 1 | 2 | undefined {
  const text = raw.get('cgroup');
  return text === '2' ? 2 : text === '1' ? 1 : undefined;
}
