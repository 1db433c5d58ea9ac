import { z } from 'zod';
import { laterPolicyKeys } from './schema/policy-file.js';
import type { Problem } from './problem.js';
import { didYouMean } from './suggest.js';
import type { YamlSource } from './yaml-source.js';

/** A file that was read and fits its schema, or what is wrong with it. */
export type Checked<T> =
  { ok: true; value: T; source: YamlSource } | { ok: false; problems: Problem[]; source: YamlSource };

/** Writes a path as people do: `nodes.pos-001.port`, `[2].version`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${String(key)}`))
    .join('');
}

function unwrap(schema: unknown): unknown {
  let inner = schema;
  for (;;) {
    if (inner instanceof z.ZodOptional) inner = inner.unwrap();
    else if (inner instanceof z.ZodPipe) inner = inner.out;
    else return inner;
  }
}

/** The keys that a schema knows at a path, for suggestions. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at = unwrap(schema);
  for (const key of path) {
    if (at instanceof z.ZodObject) at = unwrap((at.shape as Record<string, unknown>)[String(key)]);
    else if (at instanceof z.ZodRecord) at = unwrap(at.valueType);
    else if (at instanceof z.ZodArray) at = unwrap(at.element);
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape as object) : [];
}

function toProblems(issue: z.core.$ZodIssue, schema: z.ZodType, source: YamlSource): Problem[] {
  const where = issue.path.length > 0 ? `${pathText(issue.path)}: ` : '';
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      const why = laterPolicyKeys.has(key) ? 'is not supported by this version' : 'is not known here';
      const help = didYouMean(key, known) || (known.length > 0 ? `; expected one of ${known.join(', ')}` : '');
      return {
        file: source.file,
        ...source.placeOfKey(path),
        message: `${where}“${key}” ${why}${laterPolicyKeys.has(key) ? '' : help}`,
      };
    });
  }
  if (issue.code === 'invalid_key') {
    const expected = issue.issues[0]?.message ?? 'another name';
    const key = String(issue.path.at(-1));
    const message = `${pathText(issue.path.slice(0, -1))}: expected ${expected}, found “${key}”`;
    return [{ file: source.file, ...source.placeOfKey(issue.path), message }];
  }
  const found = source.found(issue.path);
  const missing =
    issue.path.length > 0 && issue.input === undefined && found === 'nothing' && issue.code === 'invalid_type';
  const message = missing
    ? `${where}missing; expected ${issue.message}`
    : `${where}expected ${issue.message}, found ${found}`;
  return [{ file: source.file, ...source.placeOf(issue.path), message }];
}

/** Checks a file against its schema and tells all its errors at once. */
export function check<S extends z.ZodType>(schema: S, source: YamlSource): Checked<z.output<S>> {
  if (source.problems.length > 0) return { ok: false, problems: source.problems, source };
  const result = schema.safeParse(source.value, { reportInput: true });
  if (result.success) return { ok: true, value: result.data, source };
  return { ok: false, problems: result.error.issues.flatMap((issue) => toProblems(issue, schema, source)), source };
}
