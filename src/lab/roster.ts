/** A node of the lab, before it has a port and keys. */
export interface RosterNode {
  id: string;
  site: string;
  region: string;
  labels: Record<string, string>;
  wariness: number;
}

const cities = ['berlin', 'lyon', 'turin', 'oslo', 'genoa', 'nice', 'bari', 'malmo', 'porto', 'graz'];
const regions = ['north', 'south', 'west'];
/** Sites are small, as in the field, so that a budget of one unavailable node a site means something. */
const nodesPerSite = 4;
const maxSites = 100;

/** Invent a fleet: points of sale and a gateway per site, spread evenly over sites and regions. */
export function labRoster(
  nodes: number,
  sites = Math.min(maxSites, Math.max(1, Math.ceil(nodes / nodesPerSite))),
): RosterNode[] {
  const serial = new Map<string, number>();
  return Array.from({ length: nodes }, (_, i) => {
    const index = i % sites;
    const city = cities[index % cities.length] ?? 'site';
    const site = sites <= cities.length ? city : `${city}-${Math.floor(index / cities.length) + 1}`;
    const number = (serial.get(site) ?? 0) + 1;
    serial.set(site, number);
    const role = number === 1 ? 'gw' : 'pos';
    return {
      id: `${role}-${site}-${String(number).padStart(3, '0')}`,
      site,
      region: regions[index % regions.length] ?? 'north',
      labels: { role },
      // A site's gateway is not the one to try something on first.
      wariness: number === 1 && nodes > sites ? 0.8 : 0,
    };
  });
}
