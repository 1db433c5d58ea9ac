import type { Observation } from '../facts/observed.js';
import { escapeForTerminal } from '../util/escape.js';
import type { Seen } from './types.js';
import { longestText } from './types.js';

/** The value of what is not there. */
export const absent = 'absent';

/** Names of attributes as they are observed. */
export const attributeOf = {
  arch: 'os.arch',
  commandLine: 'kernel.cmdline',
  runtimeBundle: (component: string): string => `runtime.${component}.bundle`,
  runtimeVersion: (component: string): string => `runtime.${component}.version`,
  sysctl: (key: string): string => `sysctl.${key}`,
  /** Not observed by itself: read out of the command line. */
  kernelParameter: (key: string): string => `kernel.parameter.${key}`,
  file: (path: string, what: 'digest' | 'mode' | 'owner'): string => `file.${path}.${what}`,
  unit: (name: string): string => `unit.${name}.active`,
  package: (name: string): string => `package.${name}`,
};

/** The runtime that an attribute is about; undefined for others. */
export function componentOf(attribute: string): string | undefined {
  return /^runtime\.(?<name>.+)\.[^.]+$/.exec(attribute)?.groups?.['name'];
}

/** Observations by node and attribute; of two of one attribute the later in the list counts. */
export function indexed(observations: readonly Observation[]): Seen {
  const seen = new Map<string, Map<string, Observation>>();
  for (const observation of observations) {
    let node = seen.get(observation.node);
    if (node === undefined) seen.set(observation.node, (node = new Map()));
    node.set(observation.attribute, observation);
  }
  return seen;
}

/** A text of a node made fit to be shown: nothing that a terminal or the log of a CI acts on, and not endless. */
export function shown(text: string): string {
  // GitHub’s runner still reads `##[command]` anywhere in a line.
  const clean = escapeForTerminal(text.length > longestText ? text.slice(0, longestText) : text).replaceAll(
    '##[',
    '#\\x23[',
  );
  return clean.length > longestText || text.length > longestText ? `${clean.slice(0, longestText - 1)}…` : clean;
}

/** Compiles a name of an attribute with `*` and `?`; both match dots too. */
export function globOf(pattern: string): (attribute: string) => boolean {
  if (!/[*?]/.test(pattern)) return (attribute) => attribute === pattern;
  const source = pattern
    .replace(/[.+^${}()|[\]\\/]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`, 's');
  return (attribute) => expression.test(attribute);
}

/** An attribute of a node, also one that is a part of another. */
export function observationOf(seen: ReadonlyMap<string, Observation>, attribute: string): Observation | undefined {
  const name = /^kernel\.parameter\.(?<name>.+)$/.exec(attribute)?.groups?.['name'];
  if (name === undefined) return seen.get(attribute);
  const line = seen.get(attributeOf.commandLine);
  if (line?.value === undefined) return line;
  // Of a parameter that is there twice the last one counts, for most of them.
  const word = line.value.split(' ').findLast((one) => one === name || one.startsWith(`${name}=`));
  const value = word === undefined ? absent : word === name ? 'set' : word.slice(name.length + 1);
  return { ...line, attribute, value };
}
