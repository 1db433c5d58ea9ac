import { expectationsOf } from '../../drift/expectations.js';
import type { Asked } from '../../facts/asked.js';
import { askedTogether, usuallyAsked } from '../../facts/asked.js';
import type { Fleet } from '../../fleet/types.js';

/** What each node of a fleet is asked by name: the usual, and what desired state wants of it. Always the same for the same fleet repository. */
export function askedOf(fleet: Fleet): (node: string) => Asked {
  const runtimes = [...new Set(fleet.runtimes.map(({ component }) => component))];
  const advised = Object.values(fleet.desired?.advisories?.value ?? {}).map(({ component }) => component);
  const names = (list: string[]): string[] => list.filter((name) => /^[a-z0-9][a-z0-9.+-]*$/.test(name));
  const common = askedTogether(usuallyAsked, { runtimes: [...runtimes, ...names(advised)], packages: names(advised) });
  const wanted = new Map<string, Record<'sysctls' | 'files' | 'units' | 'packages', string[]>>();
  for (const { attribute, nodes } of expectationsOf(fleet)) {
    const what = wantedOf(attribute);
    if (what === undefined) continue;
    for (const node of nodes) {
      const own = wanted.get(node) ?? { sysctls: [], files: [], units: [], packages: [] };
      wanted.set(node, own);
      own[what.kind].push(what.name);
    }
  }
  const made = new Map<string, Asked>();
  return (node) => {
    const own = wanted.get(node);
    if (own === undefined) return common;
    // Most nodes are asked the same.
    const key = JSON.stringify(own);
    const asked = made.get(key) ?? askedTogether(common, own);
    made.set(key, asked);
    return asked;
  };
}

function wantedOf(attribute: string): { kind: 'sysctls' | 'files' | 'units' | 'packages'; name: string } | undefined {
  const match = /^(?<section>sysctl|file|unit|package)\.(?<name>.+)$/s.exec(attribute)?.groups;
  const name = match?.['name'] ?? '';
  switch (match?.['section']) {
    case 'sysctl':
      return { kind: 'sysctls', name };
    case 'package':
      return { kind: 'packages', name: name.replace(/:.*$/, '') };
    case 'unit':
      return { kind: 'units', name: name.replace(/\.active$/, '') };
    case 'file':
      return { kind: 'files', name: name.replace(/\.(digest|mode|owner)$/, '') };
    default:
      return undefined;
  }
}
