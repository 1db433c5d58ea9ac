/**
 * Splits text into words as Python's shlex does, which Ansible uses: quotes, backslashes, and `#` begins a comment when
 * `comments` is set. A text when a quotation mark is not closed.
 */
export function shellWords(text: string, options: { comments?: boolean } = {}): string[] | string {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    const next = text[at + 1];
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else if (character === '\\' && quote === '"' && (next === '"' || next === '\\'))
        word = `${word ?? ''}${text[++at] ?? ''}`;
      else word = `${word ?? ''}${character}`;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (character === '\\' && next !== undefined) word = `${word ?? ''}${text[++at] ?? ''}`;
    else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === '#' && options.comments === true) break;
    else word = `${word ?? ''}${character}`;
  }
  if (quote !== undefined) return `the quotation mark ${quote} is not closed`;
  if (word !== undefined) words.push(word);
  return words;
}

/** Writes one word so that {@link shellWords} reads it back. */
export function quoteWord(text: string): string {
  return /^[A-Za-z0-9_@%+:,./=-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}
