import { EdgectlError } from '../errors/error.js';
import { momentary } from './explain-selector.js';
import type { Problem } from './problem.js';
import { unknownNames } from './select-nodes.js';
import type { Selector } from './selector.js';
import { parseSelector } from './selector.js';
import { didYouMean } from './suggest.js';
import { pathText } from './validate.js';
import type { YamlSource } from './yaml-source.js';

type Raw = Record<string, unknown>;

function mapAt(value: unknown, key: string): Raw {
  const entry = typeof value === 'object' && value !== null ? (value as Raw)[key] : undefined;
  return typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? (entry as Raw) : {};
}

function isMap(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textAt(value: unknown, key: string): string | undefined {
  const entry = typeof value === 'object' && value !== null ? (value as Raw)[key] : undefined;
  return typeof entry === 'string' && entry !== '' ? entry : undefined;
}

/** Names that all parts of a fleet declare, by section. */
export interface Declared {
  regions: ReadonlySet<string>;
  sites: ReadonlySet<string>;
  bastions: ReadonlySet<string>;
}

/** What the parts declare together, whether they have errors elsewhere or not. */
export function declaredIn(sources: readonly YamlSource[]): Declared {
  const names = (section: string): Set<string> =>
    new Set(sources.flatMap((source) => Object.keys(mapAt(source.value, section))));
  return { regions: names('regions'), sites: names('sites'), bastions: names('bastions') };
}

/** Finds entries whose `field` names something that is not declared under `target`. */
function dangling(
  source: YamlSource,
  section: string,
  field: string,
  [target, known]: [string, ReadonlySet<string>],
): Problem[] {
  return Object.entries(mapAt(source.value, section)).flatMap(([id, entry]) => {
    const named = textAt(entry, field);
    if (named === undefined || known.has(named)) return [];
    const help = didYouMean(named, known) || `; declare it under ${target}`;
    const message = `${section}.${id}.${field}: there is no ${field} “${named}”${help}`;
    return [{ file: source.file, ...source.placeOf([section, id, field]), message }];
  });
}

/** Bastions that something names, as one word or a list, and that nobody declares. */
function danglingBastions(source: YamlSource, known: ReadonlySet<string>): Problem[] {
  const under = (where: string[], entry: unknown): Problem[] => {
    const via = typeof entry === 'object' && entry !== null ? (entry as Raw)['via'] : undefined;
    if (via === undefined) return [];
    const names = (Array.isArray(via) ? via : [via]).filter((one): one is string => typeof one === 'string');
    return names
      .filter((one) => one !== '' && !known.has(one))
      .map((one): Problem => {
        const help = didYouMean(one, known) || '; declare it under bastions';
        const message = `${[...where, 'via'].join('.')}: there is no bastion “${one}”${help}`;
        return { file: source.file, ...source.placeOf([...where, 'via']), message };
      });
  };
  return [
    ...under(['defaults'], mapAt(source.value, 'defaults')),
    ...['sites', 'nodes'].flatMap((section) =>
      Object.entries(mapAt(source.value, section)).flatMap(([id, entry]) => under([section, id], entry)),
    ),
  ];
}

/**
 * Sites, regions and bastions that a file names and nobody declares. Works on what was read, not on what was accepted, so
 * that these errors come together with those of the schema.
 */
export function danglingPlaces(source: YamlSource, declared: Declared): Problem[] {
  return [
    ...dangling(source, 'sites', 'region', ['regions', declared.regions]),
    ...dangling(source, 'nodes', 'site', ['sites', declared.sites]),
    ...danglingBastions(source, declared.bastions),
  ];
}

/** Lead nodes of registries that are not there, or belong to another site; `names` is undefined when not every node is known. */
export function danglingLeads(
  source: YamlSource,
  all: readonly YamlSource[],
  names: readonly string[] | undefined,
): Problem[] {
  if (names === undefined) return [];
  return Object.entries(mapAt(source.value, 'sites')).flatMap(([site, entry]): Problem[] => {
    const lead = textAt(mapAt(entry, 'registry'), 'lead');
    if (lead === undefined) return [];
    const declared = all.map(({ value }) => mapAt(value, 'nodes')[lead]).find((node) => node !== undefined);
    if (declared !== undefined && textAt(declared, 'site') === site) return [];
    const why =
      declared === undefined
        ? `there is no node “${lead}”${didYouMean(lead, names)}`
        : `the node “${lead}” belongs to another site`;
    const path = ['sites', site, 'registry', 'lead'];
    return [{ file: source.file, ...source.placeOf(path), message: `${path.join('.')}: ${why}` }];
  });
}

/** Names of the nodes in files that may have errors elsewhere; undefined when one could not be read at all. */
export function nodeNames(sources: readonly YamlSource[]): string[] | undefined {
  if (sources.some(({ value }) => (typeof value !== 'object' || value === null) && value !== '')) return undefined;
  return sources.flatMap((source) => Object.keys(mapAt(source.value, 'nodes')));
}

function parse(text: string): { selector: Selector } | { message: string; offset: number } {
  try {
    return { selector: parseSelector(text) };
  } catch (error) {
    if (!(error instanceof EdgectlError)) throw error;
    const offset = error.data['offset'];
    return { message: error.message, offset: typeof offset === 'number' ? offset : 0 };
  }
}

/**
 * What is wrong with the selectors of a list such as runtimes.yaml: they cannot be read, or spell out a node that does not
 * exist. `under` is where in the file the list stands.
 */
export function selectorProblems(
  source: YamlSource,
  names: readonly string[] | undefined,
  under: readonly string[] = [],
): Problem[] {
  const list = under.reduce<unknown>((value, key) => (isMap(value) ? value[key] : undefined), source.value);
  if (!Array.isArray(list)) return [];
  const nodes = names?.map((id) => ({ id }));
  return list.flatMap((entry: unknown, index): Problem[] => {
    const text = textAt(entry, 'on');
    if (text === undefined) return [];
    const where = [...under, index, 'on'];
    const at = (offset: number, message: string): Problem => ({
      file: source.file,
      ...source.placeOf(where),
      message: `${pathText(where)}: ${message} (character ${offset + 1} of “${text}”)`,
    });
    const parsed = parse(text);
    if ('message' in parsed) return [at(parsed.offset, parsed.message)];
    const asks = momentary(parsed.selector);
    if (asks !== undefined) {
      const term = text.slice(asks.at, asks.end);
      return [at(asks.at, `“${term}” is about the moment; desired state goes by names, fields and labels`)];
    }
    if (nodes === undefined || names === undefined) return [];
    return unknownNames({ nodes }, parsed.selector).map((name) =>
      at(Math.max(text.indexOf(name), 0), `there is no node “${name}”${didYouMean(name, names)}`),
    );
  });
}
