/**
 * A quick reader for the plain part of YAML that fleet files are made of: block maps and lists, one-line flow
 * collections, plain and simply quoted scalars, comments. A general YAML parser takes over a second for ten thousand
 * nodes, and every command begins with reading them. Anything else, any doubt and any error gives undefined, and the
 * real parser decides; tests compare the two.
 */
export function readPlainYaml(text: string): { value: unknown } | undefined {
  try {
    return { value: new PlainReader(text).run() };
  } catch (error) {
    if (error === doubt) return undefined;
    throw error;
  }
}

const doubt = new Error('not plain YAML');
const plain = /^[A-Za-z0-9_./~][A-Za-z0-9_./~@+%=-]*(?: [A-Za-z0-9_./~@+%=-]+)*(?::\/\/[A-Za-z0-9_./~@+%=-]+)?/;
const blockKey = /^("[^"\\]*"|'[^']*'|[A-Za-z0-9_./~][A-Za-z0-9_./~@+%=-]*):(?: +|$)/;
const flowScalar = /"[^"\\]*"|'[^']*'|[A-Za-z0-9_./~][A-Za-z0-9_./~@+%=-]*/y;
const deepest = 20;

type Line = { indent: number; text: string };

function unquote(text: string): string {
  return text.startsWith('"') || text.startsWith("'") ? text.slice(1, -1) : text;
}

class PlainReader {
  private readonly lines: Line[] = [];
  private at = 0;

  constructor(text: string) {
    // The parser counts these as line breaks or refuses them; a document marker or directive is its business too.
    if (/[^\n\x20-\x7e]/.test(text)) this.asciiOnly(text);
    for (const line of text.split('\n')) {
      const body = line.trimStart();
      if (body === '' || body.startsWith('#')) continue;
      const indent = line.length - body.length;
      if (indent === 0 && /^(---|\.\.\.|%)/.test(body)) throw doubt;
      this.lines.push({ indent, text: body.trimEnd() });
    }
  }

  /** Other characters are fine in comments only. */
  private asciiOnly(text: string): void {
    for (const line of text.split('\n')) {
      if (
        /[^\x20-\x7e]/.test(line) &&
        (!line.trimStart().startsWith('#') || /[\r\t\u0085\u2028\u2029\ufeff\0]/.test(line))
      )
        throw doubt;
    }
  }

  run(): unknown {
    if (this.lines.length === 0) return '';
    const first = this.lines[0] as Line;
    if (first.indent !== 0) throw doubt;
    const value = this.block(0, 0);
    if (this.at < this.lines.length) throw doubt;
    return value;
  }

  private block(indent: number, depth: number): unknown {
    if (depth > deepest) throw doubt;
    const line = this.lines[this.at] as Line;
    return line.text.startsWith('- ') || line.text === '-' ? this.list(indent, depth) : this.map(indent, depth);
  }

  private list(indent: number, depth: number): unknown[] {
    const items: unknown[] = [];
    for (let line = this.lines[this.at]; line !== undefined && line.indent === indent; line = this.lines[this.at]) {
      if (!line.text.startsWith('- ')) break;
      const inner = line.text.slice(2).trimStart();
      if (inner.startsWith('- ')) throw doubt;
      if (blockKey.test(inner)) {
        const deeper = indent + line.text.length - inner.length;
        this.lines[this.at] = { indent: deeper, text: inner };
        items.push(this.map(deeper, depth + 1));
      } else {
        this.at += 1;
        items.push(this.inline(inner));
      }
      this.mustNotBeDeeper(indent);
    }
    return items;
  }

  private map(indent: number, depth: number): Record<string, unknown> {
    if (depth > deepest) throw doubt;
    const result: Record<string, unknown> = {};
    for (let line = this.lines[this.at]; line !== undefined && line.indent === indent; line = this.lines[this.at]) {
      const match = blockKey.exec(line.text);
      if (match === null) throw doubt;
      const key = unquote(match[1] ?? '');
      if (key === '__proto__' || Object.hasOwn(result, key)) throw doubt;
      const rest = line.text.slice(match[0].length);
      this.at += 1;
      result[key] = rest === '' || rest.startsWith('#') ? this.nested(indent, depth) : this.inline(rest);
      this.mustNotBeDeeper(indent);
    }
    return result;
  }

  private nested(indent: number, depth: number): unknown {
    const next = this.lines[this.at];
    if (next === undefined || next.indent < indent) return '';
    if (next.indent > indent) return this.block(next.indent, depth + 1);
    return next.text.startsWith('- ') ? this.list(indent, depth + 1) : '';
  }

  private mustNotBeDeeper(indent: number): void {
    const next = this.lines[this.at];
    if (next !== undefined && next.indent > indent) throw doubt;
  }

  private inline(text: string): unknown {
    const flow = text.startsWith('{') || text.startsWith('[');
    const [value, end] = flow ? this.flow(text, 0, 0) : this.scalar(text);
    const after = text.slice(end);
    if (after !== '' && !/^ +(#|$)/.test(after)) throw doubt;
    return value;
  }

  private scalar(text: string): [string, number] {
    const match = /^("[^"\\]*"|'[^']*')/.exec(text) ?? plain.exec(text);
    if (match === null) throw doubt;
    return [unquote(match[0]), match[0].length];
  }

  private flow(text: string, start: number, depth: number): [unknown, number] {
    if (depth > deepest) throw doubt;
    const open = text[start];
    if (open === '{') return this.flowMap(text, start, depth);
    if (open === '[') return this.flowList(text, start, depth);
    flowScalar.lastIndex = start;
    const match = flowScalar.exec(text);
    if (match === null) throw doubt;
    return [unquote(match[0]), flowScalar.lastIndex];
  }

  private blanks(text: string, at: number): number {
    let next = at;
    while (text[next] === ' ') next += 1;
    return next;
  }

  private flowMap(text: string, start: number, depth: number): [Record<string, unknown>, number] {
    const result: Record<string, unknown> = {};
    let at = this.blanks(text, start + 1);
    while (text[at] !== '}') {
      flowScalar.lastIndex = at;
      const match = flowScalar.exec(text);
      const colon = flowScalar.lastIndex;
      if (match === null || text[colon] !== ':' || text[colon + 1] !== ' ') throw doubt;
      const key = unquote(match[0]);
      if (key === '__proto__' || Object.hasOwn(result, key)) throw doubt;
      const [value, end] = this.flow(text, this.blanks(text, colon + 1), depth + 1);
      result[key] = value;
      at = this.separator(text, end, '}');
    }
    return [result, at + 1];
  }

  private flowList(text: string, start: number, depth: number): [unknown[], number] {
    const result: unknown[] = [];
    let at = this.blanks(text, start + 1);
    while (text[at] !== ']') {
      const [value, end] = this.flow(text, at, depth + 1);
      result.push(value);
      at = this.separator(text, end, ']');
    }
    return [result, at + 1];
  }

  private separator(text: string, end: number, close: string): number {
    const at = this.blanks(text, end);
    if (text[at] === close) return at;
    if (text[at] !== ',') throw doubt;
    return this.blanks(text, at + 1);
  }
}
