// eslint-disable-next-line no-control-regex -- the colours that chalk writes
const escapes = /\u001B\[[0-9;]*m/g;

/** Cells that a text takes on a terminal: colours take none, wide characters two. */
export function textWidth(text: string): number {
  let cells = 0;
  for (const char of text.replace(escapes, '')) {
    const code = char.codePointAt(0) ?? 0;
    if (/^\p{Mark}$/u.test(char) || code === 0x200b || code === 0xfe0f) continue;
    cells += isWide(code) ? 2 : 1;
  }
  return cells;
}

/** East Asian wide and emoji ranges (UAX #11, abridged). */
function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** Cuts a text without colours to a number of cells, with an ellipsis. */
export function cut(text: string, cells: number): string {
  if (textWidth(text) <= cells) return text;
  let kept = '';
  let used = 0;
  for (const char of text) {
    const wide = textWidth(char);
    if (used + wide > cells - 1) break;
    kept += char;
    used += wide;
  }
  return cells < 1 ? '' : `${kept.trimEnd()}…`;
}

/** Fills a text with spaces up to a number of cells. */
export function pad(text: string, cells: number, align: 'left' | 'right' = 'left'): string {
  const fill = ' '.repeat(Math.max(0, cells - textWidth(text)));
  return align === 'left' ? text + fill : fill + text;
}

/** Breaks a text without colours into lines of at most a number of cells, at spaces where there are any. */
export function wrap(text: string, width: number): string[] {
  const cells = Math.max(1, width);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    let rest = word;
    if (line !== '' && textWidth(`${line} ${rest}`) <= cells) {
      line = `${line} ${rest}`;
      continue;
    }
    if (line !== '') lines.push(line);
    while (textWidth(rest) > cells) {
      const chars = [...rest];
      lines.push(chars.slice(0, cells).join(''));
      rest = chars.slice(cells).join('');
    }
    line = rest;
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  return lines;
}
