import type { Observation } from '../facts/observed.js';
import { shown } from './attributes.js';
import type { Finding, Seen } from './types.js';

/** Attributes of one runtime that must say the same: what the kit manages, against what was looked up apart from it. */
const pairs: readonly { told: string; probed: string; say: (told: string, probed: string) => string }[] = [
  {
    told: 'version',
    probed: 'running',
    say: (told, probed) => `installed is ${told}, what runs says ${probed}`,
  },
];
/** Values that are an answer of another kind than a version. */
const noVersion = new Set(['none', 'absent']);

/** Nodes that say two things about the same runtime. Nothing is merged away: both are shown. */
export function contradictionsOf(seen: Seen): Finding[] {
  const findings: Finding[] = [];
  for (const [node, attributes] of seen)
    for (const [attribute, observation] of attributes) {
      const match = /^runtime\.(?<name>.+)\.(?<what>[^.]+)$/.exec(attribute)?.groups;
      if (match === undefined) continue;
      for (const { told, probed, say } of pairs) {
        if (match['what'] !== probed) continue;
        const other = attributes.get(`runtime.${match['name']}.${told}`);
        if (differ(other, observation)) findings.push(contradiction(node, other, observation, say));
      }
    }
  return findings;
}

type Known = Observation & { value: string };

function differ(told: Observation | undefined, probed: Observation): told is Known {
  return (
    told?.value !== undefined &&
    probed.value !== undefined &&
    told.value !== probed.value &&
    !noVersion.has(told.value) &&
    !noVersion.has(probed.value)
  );
}

function contradiction(
  node: string,
  told: Known,
  probed: Observation,
  say: (told: string, probed: string) => string,
): Finding {
  const value = shown(probed.value ?? '');
  return {
    kind: 'contradiction',
    class: 'unexpected',
    severity: 'breaking',
    node,
    attribute: probed.attribute,
    found: value,
    expected: shown(told.value),
    since: probed.since > told.since ? probed.since : told.since,
    seenAt: probed.seenAt < told.seenAt ? probed.seenAt : told.seenAt,
    why: say(shown(told.value), value),
  };
}
