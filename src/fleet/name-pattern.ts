/** A mistake in a pattern, at an offset into it. */
export class PatternError extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
    this.name = 'PatternError';
  }
}

type Piece = { kind: 'text'; text: string } | { kind: 'choice'; items: readonly Item[] };
type Item = { from: number; to: number; width: number } | { text: string };

/** A name, a glob (`*`, `?`) or a range (`pos-[001-040,077]`), ready to be matched. */
export interface NamePattern {
  text: string;
  /** True when it can match one name only. */
  literal: boolean;
  matches(name: string): boolean;
}

const maxDigits = 9;

function parseItem(text: string, offset: number): Item {
  const range = /^(\d+)-(\d+)$/.exec(text);
  if (range === null) {
    if (/^[A-Za-z0-9._-]+$/.test(text)) return { text };
    throw new PatternError(
      text === '' ? 'expected a number, a range or a name' : `cannot read “${text}” in a range`,
      offset,
    );
  }
  const [, low = '', high = ''] = range;
  if (high.length > maxDigits) throw new PatternError('a range may have nine digits', offset);
  const padded = low.startsWith('0') && low.length > 1;
  if (padded && low.length !== high.length)
    throw new PatternError('both ends of a range need the same number of digits', offset);
  if (Number(low) > Number(high)) throw new PatternError(`the range ${text} runs backwards`, offset);
  return { from: Number(low), to: Number(high), width: padded ? low.length : 0 };
}

function parsePieces(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('[', at);
    const plain = open < 0 ? text.slice(at) : text.slice(at, open);
    const stray = plain.indexOf(']');
    if (stray >= 0) throw new PatternError('“]” without “[”', at + stray);
    if (plain === '' && open > 0 && pieces.at(-1)?.kind === 'choice')
      throw new PatternError('two ranges need something between them', open);
    if (plain !== '') pieces.push({ kind: 'text', text: plain });
    if (open < 0) break;
    const close = text.indexOf(']', open);
    if (close < 0) throw new PatternError('“[” is not closed', open);
    let offset = open + 1;
    const items = text
      .slice(open + 1, close)
      .split(',')
      .map((part) => {
        const item = parseItem(part, offset);
        offset += part.length + 1;
        return item;
      });
    pieces.push({ kind: 'choice', items });
    at = close + 1;
  }
  return pieces;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function textOf(piece: Piece | undefined): string {
  return piece?.kind === 'text' ? piece.text : '';
}

function itemMatches(item: Item, text: string): boolean {
  if ('text' in item) return item.text === text;
  if (!/^\d+$/.test(text) || text.length > maxDigits) return false;
  if (item.width > 0 ? text.length !== item.width : text.length > 1 && text.startsWith('0')) return false;
  const value = Number(text);
  return value >= item.from && value <= item.to;
}

/** Reads a name, glob or range; throws {@link PatternError} with the offset of a mistake. */
export function parsePattern(text: string): NamePattern {
  if (!/[*?[\]]/.test(text)) return { text, literal: true, matches: (name) => name === text };
  const pieces = parsePieces(text);
  const choices: (readonly Item[])[] = [];
  const source = pieces.map((piece, index) => {
    if (piece.kind === 'text') return escape(piece.text).replaceAll('\\*', '.*').replaceAll('\\?', '.');
    choices.push(piece.items);
    // Next to a wildcard a range stands for a whole number, so that `pos-[1-5]*` leaves pos-17 alone.
    const before = /[*?]$/.test(textOf(pieces[index - 1])) ? '(?<!\\d)' : '';
    const after = /^[*?]/.test(textOf(pieces[index + 1])) ? '(?!\\d)' : '';
    const words = piece.items.flatMap((item) => ('text' in item ? [escape(item.text)] : []));
    const digits = piece.items.some((item) => !('text' in item)) ? [`${before}\\d+${after}`] : [];
    return `(${[...words, ...digits].join('|')})`;
  });
  const expression = new RegExp(`^${source.join('')}$`, 's');
  return {
    text,
    literal: false,
    matches: (name) => {
      const match = expression.exec(name);
      return (
        match !== null &&
        choices.every((items, index) => items.some((item) => itemMatches(item, match[index + 1] ?? '')))
      );
    },
  };
}
