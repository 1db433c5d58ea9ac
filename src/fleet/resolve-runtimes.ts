import { EdgectlError } from '../errors/error.js';
import type { Problem } from './problem.js';
import type { RuntimesFile } from './schema/runtimes-file.js';
import { unknownNames } from './select-nodes.js';
import { parseSelector } from './selector.js';
import { didYouMean } from './suggest.js';
import type { DesiredRuntime, FleetNode } from './types.js';
import type { YamlSource } from './yaml-source.js';

/** What is wrong with a selector, and where in its text; undefined when it is fine. */
function selectorProblem(
  selector: string,
  nodes: readonly FleetNode[],
): { message: string; offset: number } | undefined {
  try {
    const [unknown] = unknownNames({ nodes }, parseSelector(selector));
    if (unknown === undefined) return undefined;
    const known = nodes.map((node) => node.id);
    const offset = Math.max(selector.indexOf(unknown), 0);
    return { message: `there is no node “${unknown}”${didYouMean(unknown, known)}`, offset };
  } catch (error) {
    if (!(error instanceof EdgectlError)) throw error;
    const offset = error.data['offset'];
    return { message: error.message, offset: typeof offset === 'number' ? offset : 0 };
  }
}

/** Desired state from runtimes.yaml, and selectors in it that cannot be read or name nodes that do not exist. */
export function resolveRuntimes(
  file: RuntimesFile,
  source: YamlSource,
  nodes: readonly FleetNode[],
): { runtimes: DesiredRuntime[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const runtimes = file.map((entry, index): DesiredRuntime => {
    const problem = selectorProblem(entry.on ?? '', nodes);
    if (problem !== undefined) {
      const place = source.placeOf([index, 'on']);
      const message = `[${index}].on: ${problem.message} (character ${problem.offset + 1})`;
      problems.push({ file: source.file, ...place, column: place.column + problem.offset, message });
    }
    return {
      component: entry.runtime,
      version: entry.version,
      digests: entry.digests ?? (entry.digest === undefined ? {} : { all: entry.digest }),
      on: entry.on ?? '',
      ...(entry.source === undefined ? {} : { source: entry.source }),
    };
  });
  return { runtimes, problems };
}
