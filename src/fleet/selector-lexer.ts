import { EdgectlError } from '../errors/error.js';

/** A piece of a selector, with its offset. */
export interface Token {
  kind: 'word' | 'text' | '(' | ')' | ',' | '=' | '!=' | '<' | '<=' | '>' | '>=' | 'and' | 'or' | 'not' | 'in' | 'end';
  text: string;
  at: number;
  /** Offset behind it. */
  end: number;
}

/** The error for a selector that cannot be read: points at the character. */
export function selectorError(source: string, at: number, message: string): EdgectlError {
  return new EdgectlError('SELECTOR_INVALID', {
    message: `The selector cannot be read: ${message}`,
    lines: [`  ${source}`, `  ${' '.repeat(at)}^`],
    hint: 'for example: site=berlin and not pos-[001-003]',
    data: { selector: source, offset: at },
  });
}

const keywords: ReadonlyMap<string, Token['kind']> = new Map([
  ['and', 'and'],
  ['or', 'or'],
  ['not', 'not'],
  ['in', 'in'],
] as const);
const wordCharacter = /[A-Za-z0-9._/:@*?+~%-]/;

/** Length of a word; a bracket belongs to it up to its end, commas and all. */
function wordEnd(source: string, start: number): number {
  let at = start;
  while (at < source.length) {
    const character = source[at] ?? '';
    if (character === '[') {
      const close = source.indexOf(']', at);
      if (close < 0) throw selectorError(source, at, '“[” is not closed');
      at = close + 1;
    } else if (wordCharacter.test(character) || character === ']') at += 1;
    else break;
  }
  return at;
}

/** Splits a selector into tokens; the last one is `end`. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const push = (kind: Token['kind'], text: string, length = text.length): void => {
    tokens.push({ kind, text, at, end: at + length });
    at += length;
  };
  while (at < source.length) {
    const character = source[at] ?? '';
    const doubled = source[at + 1] === '=';
    if (/\s/.test(character)) at += 1;
    else if (character === '(' || character === ')' || character === ',') push(character, character);
    else if (character === '=') push('=', doubled ? '==' : '=');
    else if (character === '!') push(doubled ? '!=' : 'not', doubled ? '!=' : '!');
    else if (character === '<') push(doubled ? '<=' : '<', doubled ? '<=' : '<');
    else if (character === '>') push(doubled ? '>=' : '>', doubled ? '>=' : '>');
    else if (character === '"' || character === "'") {
      const close = source.indexOf(character, at + 1);
      if (close < 0) throw selectorError(source, at, 'the quotation mark is not closed');
      push('text', source.slice(at + 1, close), close + 1 - at);
    } else {
      const end = wordEnd(source, at);
      if (end === at) throw selectorError(source, at, `“${character}” has no meaning here`);
      const text = source.slice(at, end);
      push(keywords.get(text.toLowerCase()) ?? 'word', text);
    }
  }
  push('end', '');
  return tokens;
}
