/** The deepest nesting that a canonical value may have; a plan needs six levels. */
const MAX_DEPTH = 64;

/**
 * The one JSON text of a value: keys sorted by UTF-16 code unit, no white space, `undefined` members left out,
 * numbers and strings as ECMAScript prints them (the subset of RFC 8785 that plans need).
 * Throws TypeError for values that JSON cannot hold: non-finite numbers, functions, class instances, cycles.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError('value is nested too deeply');
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError('number is not finite');
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((item: unknown) => write(item, depth + 1)).join(',')}]`;
  if (typeof value === 'object' && isPlain(value)) return writeObject(value, depth);
  throw new TypeError(`a ${typeof value} has no canonical form`);
}

function writeObject(value: object, depth: number): string {
  const members = value as Record<string, unknown>;
  const parts: string[] = [];
  for (const key of Object.keys(members).sort()) {
    if (members[key] !== undefined) parts.push(`${JSON.stringify(key)}:${write(members[key], depth + 1)}`);
  }
  return `{${parts.join(',')}}`;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
