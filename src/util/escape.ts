// C0, DEL, C1, bidirectional marks, embeddings, overrides and isolates (Unicode TR 36, "Trojan Source"), line and
// paragraph separators, the byte order mark, tag characters, lone surrogates.
const unsafe =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}\p{Surrogate}]/gu;

/** Make text from a node or a file safe to print: what could move the cursor, change colours or reorder text is shown as `\xNN` or `\u{…}`. */
export function escapeForTerminal(text: string, options: { keepNewlines?: boolean } = {}): string {
  return text.replace(unsafe, (character) => {
    if (options.keepNewlines === true && (character === '\n' || character === '\t')) return character;
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** The first non-empty line of some output, safe to print and at most `max` characters long. */
export function oneLine(text: string, max = 300): string {
  const line = text.split(/\r?\n/u).find((candidate) => candidate.trim() !== '') ?? '';
  const clean = escapeForTerminal(line.trim());
  return clean.length > max ? `${clean.slice(0, max - 1)}…` : clean;
}
