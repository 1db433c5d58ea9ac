import { EdgectlError } from '../errors/error.js';
import type { Problem } from './problem.js';
import { unknownNames } from './select-nodes.js';
import type { Selector } from './selector.js';
import { parseSelector } from './selector.js';
import { didYouMean } from './suggest.js';
import type { YamlSource } from './yaml-source.js';

type Raw = Record<string, unknown>;

function mapAt(value: unknown, key: string): Raw {
  const entry = typeof value === 'object' && value !== null ? (value as Raw)[key] : undefined;
  return typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? (entry as Raw) : {};
}

function textAt(value: unknown, key: string): string | undefined {
  const entry = typeof value === 'object' && value !== null ? (value as Raw)[key] : undefined;
  return typeof entry === 'string' && entry !== '' ? entry : undefined;
}

/** Finds entries whose `field` names something that is not declared under `target`. */
function dangling(source: YamlSource, section: string, field: string, target: string): Problem[] {
  const known = mapAt(source.value, target);
  return Object.entries(mapAt(source.value, section)).flatMap(([id, entry]) => {
    const named = textAt(entry, field);
    if (named === undefined || Object.hasOwn(known, named)) return [];
    const help = didYouMean(named, Object.keys(known)) || `; declare it under ${target}`;
    const message = `${section}.${id}.${field}: there is no ${field} “${named}”${help}`;
    return [{ file: source.file, ...source.placeOf([section, id, field]), message }];
  });
}

/** Bastions that something names, as one word or a list, and that nobody declares. */
function danglingBastions(source: YamlSource): Problem[] {
  const known = mapAt(source.value, 'bastions');
  const under = (where: string[], entry: unknown): Problem[] => {
    const via = typeof entry === 'object' && entry !== null ? (entry as Raw)['via'] : undefined;
    const names = (Array.isArray(via) ? via : [via]).filter((one): one is string => typeof one === 'string');
    return names
      .filter((one) => one !== '' && !Object.hasOwn(known, one))
      .map((one): Problem => {
        const help = didYouMean(one, Object.keys(known)) || '; declare it under bastions';
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
 * Sites, regions and bastions that fleet.yaml names and does not declare. Works on what was read, not on what was accepted, so
 * that these errors come together with those of the schema.
 */
export function danglingPlaces(source: YamlSource): Problem[] {
  return [
    ...dangling(source, 'sites', 'region', 'regions'),
    ...dangling(source, 'nodes', 'site', 'sites'),
    ...danglingBastions(source),
  ];
}

/** Names of the nodes in a fleet.yaml that may have errors elsewhere; undefined when it could not be read at all. */
export function nodeNames(source: YamlSource): string[] | undefined {
  if (typeof source.value !== 'object' || source.value === null) return undefined;
  return Object.keys(mapAt(source.value, 'nodes'));
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

/** What is wrong with the selectors of runtimes.yaml: they cannot be read, or spell out a node that does not exist. */
export function selectorProblems(source: YamlSource, names: readonly string[] | undefined): Problem[] {
  if (!Array.isArray(source.value)) return [];
  const nodes = names?.map((id) => ({ id }));
  return source.value.flatMap((entry: unknown, index): Problem[] => {
    const text = textAt(entry, 'on');
    if (text === undefined) return [];
    const at = (offset: number, message: string): Problem => {
      const place = source.placeOf([index, 'on']);
      return {
        file: source.file,
        ...place,
        message: `[${index}].on: ${message} (character ${offset + 1} of “${text}”)`,
      };
    };
    const parsed = parse(text);
    if ('message' in parsed) return [at(parsed.offset, parsed.message)];
    if (nodes === undefined || names === undefined) return [];
    return unknownNames({ nodes }, parsed.selector).map((name) =>
      at(Math.max(text.indexOf(name), 0), `there is no node “${name}”${didYouMean(name, names)}`),
    );
  });
}
