import type { Fleet } from '../fleet/types.js';
import { matcher } from '../fleet/select-nodes.js';
import { parseSelector } from '../fleet/selector.js';
import { globOf } from './attributes.js';
import type { PeerSettings } from './peers.js';
import { usualPeers } from './peers.js';
import type { Where } from './types.js';

/** A rule of drift.yaml, ready to be asked. */
export interface CompiledRule {
  matches(node: string, attribute: string): boolean;
  reason: string;
  owner: string;
  /** Last moment at which it holds, RFC 3339 UTC. */
  expires: string;
  where: Where;
}

/** The ignore rules of a fleet. */
export function rulesOf(fleet: Fleet): CompiledRule[] {
  const written = fleet.desired?.drift;
  return (written?.value.ignore ?? []).map(({ attributes, on, reason, owner, expires }, index) => {
    const meant = on === undefined ? undefined : matcher(parseSelector(on));
    const nodes = meant === undefined ? undefined : new Set(fleet.nodes.filter(meant).map(({ id }) => id));
    const globs = attributes.map(globOf);
    return {
      matches: (node, attribute) => (nodes === undefined || nodes.has(node)) && globs.some((glob) => glob(attribute)),
      reason,
      owner,
      expires,
      where: { file: written?.file ?? '', ...(written?.placeOf(['ignore', index]) ?? { line: 1, column: 1 }) },
    };
  });
}

/** How peers are compared in a fleet. */
export function peerSettingsOf(fleet: Fleet): PeerSettings {
  const { by, majority, attributes } = fleet.desired?.drift?.value.peers ?? {};
  return {
    by: by ?? usualPeers.by,
    majority: majority ?? usualPeers.majority,
    attributes: attributes ?? usualPeers.attributes,
  };
}
