import type { Origin } from '../model.js';

/** A variable's value: text as it was written, something with parts, or something that only a vault password opens. */
export type VarValue = { kind: 'scalar'; text: string } | { kind: 'structure'; value: unknown } | { kind: 'vault' };

/** A variable and where it was given. */
export interface Var {
  value: VarValue;
  origin: Origin;
}

/** Variables by name. */
export type Vars = Map<string, Var>;

/**
 * A value of an INI inventory. Ansible reads it as a Python literal and takes it as text when it is none; here numbers
 * and words stay as written, quoted text loses its quotes.
 */
export function iniValue(written: string): VarValue {
  const text = written.trim();
  const quoted = /^(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(?:#.*)?$/s.exec(text);
  if (quoted !== null) return { kind: 'scalar', text: unescape(quoted[1] ?? quoted[2] ?? '') };
  const commented = /^(-?(?:0|[1-9]\d*)(?:\.\d+)?|True|False|None)\s*(?:#.*)?$/.exec(text);
  if (commented !== null) return { kind: 'scalar', text: commented[1] === 'None' ? '' : (commented[1] ?? '') };
  if (/^[[{(].*[\]})]$/s.test(text) && !text.startsWith('{{')) return { kind: 'structure', value: text };
  return { kind: 'scalar', text };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\n': '' };

function unescape(text: string): string {
  return text.replace(/\\([\\'"ntr\n])/g, (_, character: string) => escapes[character] ?? character);
}
