import { EdgectlError } from '../errors/error.js';

/** One mistake in a file of the fleet repository. */
export interface Problem {
  /** Path relative to the repository. */
  file: string;
  /** From 1; 0 when the whole file is meant. */
  line: number;
  column: number;
  message: string;
}

/** Writes a problem the way compilers do, so that editors can jump to it. */
export function formatProblem(problem: Problem): string {
  const place = problem.line > 0 ? `:${problem.line}:${problem.column}` : '';
  return `${problem.file}${place}: ${problem.message}`;
}

const shown = 50;

/** Raises CONFIG_INVALID with every problem that was found, in file order; does nothing when there is none. */
export function throwProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const sorted = [...problems].sort(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column || 0,
  );
  const lines = sorted.slice(0, shown).map(formatProblem);
  if (sorted.length > shown) lines.push(`… and ${sorted.length - shown} more`);
  const files = [...new Set(sorted.map((problem) => problem.file))];
  const count = sorted.length === 1 ? 'an error' : `${sorted.length} errors`;
  throw new EdgectlError('CONFIG_INVALID', {
    message: `${files.join(', ')} ${files.length === 1 ? 'has' : 'have'} ${count}`,
    hint: 'correct it, then edgectl fleet check',
    lines,
    data: { problems: sorted },
  });
}
