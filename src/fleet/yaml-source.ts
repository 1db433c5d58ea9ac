import type { Document, Node } from 'yaml';
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Problem } from './problem.js';

/** Where something stands in a file; lines and columns from 1. */
export interface Place {
  line: number;
  column: number;
}

/** A YAML file whose values are strings, lists and maps, with the place of each. */
export interface YamlSource {
  file: string;
  value: unknown;
  /** Syntax errors, duplicate keys, anchors that lead nowhere. */
  problems: Problem[];
  /** The place of the value at a path, or of its nearest parent that exists. */
  placeOf(path: readonly PropertyKey[]): Place;
  /** The place of the key at the end of a path. */
  placeOfKey(path: readonly PropertyKey[]): Place;
  /** What stands at a path, in words for an error message. */
  found(path: readonly PropertyKey[]): string;
}

/** Keys of 10,000 nodes: the parser's own check is quadratic. */
function duplicateKeys(document: Document, add: (offset: number, message: string) => void): void {
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const pair of map.items) {
        if (!isScalar(pair.key)) continue;
        const key = String(pair.key.value);
        if (seen.has(key)) add(pair.key.range?.[0] ?? 0, `“${key}” is there twice`);
        seen.add(key);
      }
    },
  });
}

function nullToEmpty(value: unknown): unknown {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(nullToEmpty);
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, nullToEmpty(entry)]));
}

function describe(node: unknown): string {
  if (isMap(node)) return 'a map';
  if (isSeq(node)) return 'a list';
  if (isScalar(node)) {
    const text = node.value === null || node.value === undefined ? '' : String(node.value);
    if (text === '') return 'nothing';
    return `“${text.length > 60 ? `${text.slice(0, 60)}…` : text}”`;
  }
  return 'nothing';
}

/**
 * Reads YAML 1.2 with the failsafe schema: every scalar is text, so that a version `1.10` or a label `on` stays what
 * was written; the schemas turn text into numbers where they expect them.
 */
export function readYaml(file: string, text: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    schema: 'failsafe',
    uniqueKeys: false,
    prettyErrors: false,
  });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems: Problem[] = [];
  const add = (offset: number, message: string): void => {
    problems.push({ file, ...place(offset), message });
  };
  for (const error of document.errors) add(error.pos[0], `not valid YAML: ${error.message}`);
  duplicateKeys(document, add);

  let value: unknown;
  try {
    value = problems.length > 0 ? undefined : nullToEmpty(document.toJS());
  } catch (error) {
    add(0, `not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
  }

  const resolve = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  const child = (node: unknown, key: PropertyKey): { key?: Node; value: unknown } | undefined => {
    const parent = resolve(node);
    if (isSeq(parent)) return { value: parent.items[Number(key)] };
    if (!isMap(parent)) return undefined;
    const pair = parent.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key),
    );
    return pair === undefined ? undefined : { key: pair.key as Node, value: pair.value };
  };
  const offsetOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0];
  const walk = (
    path: readonly PropertyKey[],
  ): { node: unknown; offset: number; keyOffset: number; complete: boolean } => {
    let node: unknown = document.contents;
    let offset = offsetOf(node) ?? 0;
    let keyOffset = offset;
    for (const key of path) {
      const next = child(node, key);
      if (next === undefined) return { node, offset: keyOffset, keyOffset, complete: false };
      keyOffset = offsetOf(next.key) ?? offsetOf(next.value) ?? keyOffset;
      offset = offsetOf(next.value) ?? keyOffset;
      node = resolve(next.value);
    }
    return { node, offset, keyOffset, complete: true };
  };
  return {
    file,
    value,
    problems,
    placeOf: (path) => place(walk(path).offset),
    placeOfKey: (path) => place(walk(path).keyOffset),
    found: (path) => {
      const reached = walk(path);
      return reached.complete ? describe(reached.node) : 'nothing';
    },
  };
}

/** A source whose value is known already; positions are looked up with the real parser when someone asks. */
export function lazySource(file: string, text: string, value: unknown): YamlSource {
  let parsed: YamlSource | undefined;
  const source = (): YamlSource => (parsed ??= readYaml(file, text));
  return {
    file,
    value,
    problems: [],
    placeOf: (path) => source().placeOf(path),
    placeOfKey: (path) => source().placeOfKey(path),
    found: (path) => source().found(path),
  };
}
