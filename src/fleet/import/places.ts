import { EdgectlError } from '../../errors/error.js';
import type { ImportedNode } from './model.js';

/** Where a node's site or region comes from. */
export interface PlaceRule {
  text: string;
  placesOf(node: ImportedNode): string[];
}

/**
 * Reads `group:site_*` (what `*` stands for in the name of a group), `label:KEY`, `name:*-*` (the first `*` of the node's
 * name) or `fixed:NAME`. Throws USAGE.
 */
export function parsePlaceRule(text: string): PlaceRule {
  const [, kind = '', rest = ''] = /^(group|label|name|fixed):(.+)$/.exec(text) ?? [];
  if (kind === 'fixed') return { text, placesOf: () => [rest] };
  if (kind === 'label') {
    return {
      text,
      placesOf: (node) => {
        const value = Object.hasOwn(node.labels, rest) ? node.labels[rest] : undefined;
        return value === undefined || value === '' ? [] : [value];
      },
    };
  }
  if (kind === 'group' || kind === 'name') {
    const capture = captureOf(rest);
    const found = (name: string): string[] => capture.exec(name)?.slice(1, 2) ?? [];
    return {
      text,
      placesOf: (node) => (kind === 'name' ? found(node.name) : [...new Set(node.groups.flatMap(found))]),
    };
  }
  throw new EdgectlError('USAGE', {
    message: `“${text}” does not say where a place comes from.`,
    hint: 'group:site_*, label:KEY, name:*-*, or fixed:NAME',
  });
}

/** The first `*` is what is wanted; without one the whole name is. */
function captureOf(glob: string): RegExp {
  const parts = glob.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const [head = '', ...tail] = parts;
  return new RegExp(tail.length === 0 ? `^(${head})$` : `^${head}(.+?)${tail.join('.*')}$`);
}
