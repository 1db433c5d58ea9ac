import type { KitIdentity } from '../node/protocol.js';
import { kitIdentity } from '../node/protocol.js';
import type { GenerationLine, KitLine } from '../node/types.js';

/** Facts as the node sent them: text by name, and what runs on it when it has a kit. */
export interface RawFacts {
  get(name: string): string | undefined;
  /** Facts whose name begins so, by the rest of the name. */
  under(prefix: string): Record<string, string>;
  generation: GenerationLine | undefined;
  /** What the kit says of itself. */
  kit: KitIdentity | undefined;
}

/** Sort the lines of a `facts` answer; lines of other types are left aside (newer kits may send more). */
export function rawFacts(lines: readonly KitLine[]): RawFacts {
  const values = new Map<string, string>();
  let generation: GenerationLine | undefined;
  for (const line of lines) {
    if (line.t === 'generation') generation = line as GenerationLine;
    if (line.t !== 'fact' || typeof line['name'] !== 'string') continue;
    const { value } = line;
    if (typeof value === 'string' || typeof value === 'number') values.set(line['name'], String(value));
  }
  return {
    get: (name) => values.get(name),
    under: (prefix) =>
      Object.fromEntries(
        [...values].flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [])),
      ),
    generation,
    kit: kitIdentity(lines),
  };
}

/** A fact that is a whole number not below zero; undefined when it is absent or something else. */
export function wholeNumber(raw: RawFacts, name: string): number | undefined {
  const text = raw.get(name);
  if (text === undefined || !/^\d{1,15}$/u.test(text)) return undefined;
  return Number(text);
}
