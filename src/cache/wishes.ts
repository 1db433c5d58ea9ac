import { EdgectlError } from '../errors/error.js';
import { selectNodes } from '../fleet/select-nodes.js';
import type { Fleet, FleetNode, SiteRegistry } from '../fleet/types.js';
import { didYouMean } from '../fleet/suggest.js';
import type { WantedImage } from './images.js';
import type { SiteQuestion } from './site-plan.js';

/** Which sites are meant, and for what. */
export interface Choice {
  /** Names of sites; all that have a registry when empty. */
  sites: readonly string[];
  /** Only what a rollout of runtimes.yaml takes from registries. */
  forRollout: boolean;
}

/** What sites shall have, before anything was asked. */
export interface Wishes {
  images: readonly WantedImage[];
  sites: readonly (SiteQuestion & { settings: SiteRegistry })[];
}

/** Reads from the fleet which site wants which image. Throws CACHE_NO_SITE, SELECTOR_UNKNOWN. */
export function wishesOf(fleet: Fleet, choice: Choice): Wishes {
  const declared = fleet.sites ?? new Map<string, never>();
  for (const name of choice.sites) {
    if (declared.get(name)?.registry !== undefined) continue;
    const why = declared.has(name)
      ? 'has no registry in fleet.yaml'
      : `is not declared${didYouMean(name, declared.keys())}`;
    throw new EdgectlError('CACHE_NO_SITE', { message: `The site “${name}” ${why}.` });
  }
  const images = new Map<string, WantedImage>();
  const wants = new Map<string, Set<string>>();
  for (const { on, ...wish } of choice.forRollout ? bundlesOf(fleet) : (fleet.images ?? [])) {
    const key = `${wish.image} ${wish.platforms} ${wish.insecure}`;
    images.set(key, wish);
    for (const { site } of selectNodes(fleet, on)) {
      const known = wants.get(site) ?? new Set();
      wants.set(site, known.add(key));
    }
  }
  const keys = [...images.keys()];
  const sites = [...declared].flatMap(([site, { registry, link }]) => {
    const wanted = wants.get(site);
    const nodes = fleet.nodes.filter((node) => node.site === site && node.state !== 'retired');
    const lead = registry?.lead ?? nodes.find(({ state }) => state === 'in-service')?.id ?? nodes[0]?.id;
    const meant = choice.sites.length === 0 || choice.sites.includes(site);
    if (registry === undefined || wanted === undefined || lead === undefined || !meant) return [];
    return [
      {
        ...{ site, node: lead, registry: registry.url, link, settings: registry },
        wants: keys.flatMap((key, index) => (wanted.has(key) ? [index] : [])),
        architectures: nodes.map((node) => architectureOf(fleet, node)),
      },
    ];
  });
  if (sites.length === 0)
    throw new EdgectlError('CACHE_NO_SITE', {
      message: choice.forRollout
        ? 'No site with a registry wants a bundle from a registry (source: oci://… in runtimes.yaml).'
        : 'No site with a registry wants an image.',
    });
  return { images: [...images.values()], sites };
}

/** A label is a person's word and goes before what the node last said. */
function architectureOf({ knowledge }: Fleet, { id, labels }: FleetNode): string | undefined {
  return labels['arch'] ?? knowledge?.get(id)?.facts?.values['arch'];
}

/** The artifacts that bundles of runtimes.yaml are in registries. */
function bundlesOf(fleet: Fleet): (WantedImage & { on: string })[] {
  return fleet.runtimes.flatMap(({ source, digests, on }) => {
    const [, plain, repository] = /^oci(\+http)?:\/\/(.+)$/.exec(source ?? '') ?? [];
    if (repository === undefined) return [];
    return [...new Set(Object.values(digests))].map((digest) => ({
      image: `${repository}:bundle-${digest}`,
      platforms: 'all' as const,
      insecure: plain !== undefined,
      on,
    }));
  });
}
