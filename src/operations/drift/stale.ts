import { attributeOf, componentOf } from '../../drift/attributes.js';
import { expectationsOf } from '../../drift/expectations.js';
import type { ObservationSource } from '../../facts/observed.js';
import type { Fleet } from '../../fleet/types.js';

/** In larger fleets it costs too much to ask whether something new is wanted of a node. */
const mostForNews = 2000;

/**
 * The nodes that must be looked at: asked longer ago than `maxAgeMs`, or never, or desired state wants something of them that
 * nobody has looked for. None when the age does not matter.
 */
export async function staleNodes(
  { fleet, source, now }: { fleet: Fleet; source: ObservationSource; now: number },
  { nodes, maxAgeMs }: { nodes: readonly string[]; maxAgeMs: number },
): Promise<string[]> {
  if (maxAgeMs === Number.POSITIVE_INFINITY) return [];
  const contacts = new Map((await source.contacts()).map((contact) => [contact.node, contact]));
  const fresh = nodes.filter((node) => {
    const contact = contacts.get(node);
    return contact !== undefined && now - Date.parse(contact.at) < maxAgeMs;
  });
  const lacking = fresh.length > mostForNews ? new Set<string>() : await lackingNodes(fleet, source, fresh);
  const good = new Set(fresh.filter((node) => contacts.get(node)?.reached === false || !lacking.has(node)));
  return nodes.filter((node) => !good.has(node));
}

/** Nodes of which something is wanted that was never looked for. What is read out of another attribute is not looked for. */
async function lackingNodes(fleet: Fleet, source: ObservationSource, nodes: readonly string[]): Promise<Set<string>> {
  const wanted = expectationsOf(fleet).flatMap(({ attribute, nodes: meant }) => {
    const component = componentOf(attribute);
    if (component !== undefined) return [{ attribute: attributeOf.runtimeVersion(component), meant }];
    return /^(sysctl|file|unit|package)\./.test(attribute) ? [{ attribute, meant }] : [];
  });
  const lacking = new Set<string>();
  if (wanted.length === 0 || nodes.length === 0) return lacking;
  const known = new Set((await source.latest({ nodes })).map(({ node, attribute }) => `${node}\n${attribute}`));
  for (const { attribute, meant } of wanted)
    for (const node of nodes) if (meant.has(node) && !known.has(`${node}\n${attribute}`)) lacking.add(node);
  return lacking;
}
