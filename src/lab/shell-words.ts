/**
 * Split a command line into words by POSIX quoting rules (XCU 2.2), without expansion.
 * Answers undefined when it holds anything that only a shell could carry out.
 */
export function splitShellWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let i = 0; i < line.length; i++) {
    const c = line.charAt(i);
    if (c === "'") {
      const close = line.indexOf("'", i + 1);
      if (close < 0) return undefined;
      word = (word ?? '') + line.slice(i + 1, close);
      i = close;
    } else if (c === '"') {
      const quoted = readDoubleQuoted(line, i + 1);
      if (!quoted) return undefined;
      word = (word ?? '') + quoted.text;
      i = quoted.end;
    } else if (c === '\\') {
      i++;
      if (i >= line.length || line.charAt(i) === '\n') return undefined;
      word = (word ?? '') + line.charAt(i);
    } else if (c === ' ' || c === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (/[|&;<>()$`*?[\]{}~!\n]/.test(c) || (c === '#' && word === undefined)) {
      return undefined;
    } else {
      word = (word ?? '') + c;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function readDoubleQuoted(line: string, start: number): { text: string; end: number } | undefined {
  let text = '';
  for (let i = start; i < line.length; i++) {
    const c = line.charAt(i);
    if (c === '"') return { text, end: i };
    if (c === '$' || c === '`') return undefined;
    if (c === '\\' && /["\\$`]/.test(line.charAt(i + 1))) i++;
    text += line.charAt(i);
  }
  return undefined;
}
