import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Origin, Remark } from '../model.js';
import { keywords } from './keywords.js';

/** One line of an ssh_config, with the lines of an Include under it. */
export interface Directive {
  /** Lower case. */
  keyword: string;
  args: readonly string[];
  /** The arguments as they stand on the line. */
  raw: string;
  origin: Origin;
  included?: readonly Directive[];
}

const deepestInclude = 16;

/** Reads an ssh_config and what it includes (ssh_config(5)). Relative paths of Include start at `userDir`, `~/.ssh`. */
export async function parseSshConfig(
  file: string,
  where: { home: string; userDir: string },
  remarks: Remark[],
  depth = 0,
): Promise<Directive[]> {
  const text = await readFile(file, 'utf8');
  const directives: Directive[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const origin = { file, line: index + 1 };
    const directive = parseLine(raw, origin, remarks);
    if (directive === undefined) continue;
    if (directive.keyword !== 'include') {
      directives.push(directive);
      continue;
    }
    if (depth >= deepestInclude) {
      remarks.push({ level: 'error', ...origin, message: 'Include is nested too deeply' });
      continue;
    }
    const included: Directive[] = [];
    for (const pattern of directive.args)
      for (const found of await globFiles(includePath(pattern, where)))
        included.push(...(await parseSshConfig(found, where, remarks, depth + 1)));
    directives.push({ ...directive, included });
  }
  return directives;
}

function parseLine(raw: string, origin: Origin, remarks: Remark[]): Directive | undefined {
  const line = raw.trim();
  if (line === '' || line.startsWith('#')) return undefined;
  const match = /^"?([A-Za-z0-9]+)"?(?:\s*=\s*|\s+|$)(.*)$/.exec(line);
  const error = (message: string): undefined => void remarks.push({ level: 'error', ...origin, message });
  if (match === null) return error(`expected KEYWORD VALUE, found “${line}”`);
  const keyword = (match[1] ?? '').toLowerCase();
  const rest = match[2] ?? '';
  if (!keywords.has(keyword)) return error(`ssh knows no option “${match[1]}”`);
  // These take the rest of the line as it is.
  if (['proxycommand', 'localcommand', 'remotecommand', 'knownhostscommand'].includes(keyword))
    return rest === '' ? error(`${match[1]} has no value`) : { keyword, args: [rest], raw: rest, origin };
  const args = splitArguments(rest);
  if (args === undefined) return error('the quotation mark is not closed');
  if (args.length === 0) return error(`${match[1]} has no value`);
  return { keyword, args, raw: rest, origin };
}

/** argv_split of OpenSSH: both quotes, a backslash before quotes, blanks and itself, `#` begins a comment. */
function splitArguments(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '\\' && /['"\\]/.test(text[at + 1] ?? '')) word = `${word ?? ''}${text[++at] ?? ''}`;
    else if (character === '\\' && quote === '' && text[at + 1] === ' ') word = `${word ?? ''}${text[++at] ?? ''}`;
    else if (quote !== '') {
      if (character === quote) quote = '';
      else word = `${word ?? ''}${character}`;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === '#' && word === undefined) break;
    else word = `${word ?? ''}${character}`;
  }
  if (quote !== '') return undefined;
  if (word !== undefined) words.push(word);
  return words;
}

function includePath(pattern: string, where: { home: string; userDir: string }): string {
  if (pattern.startsWith('~/')) return path.join(where.home, pattern.slice(2));
  return path.isAbsolute(pattern) ? pattern : path.join(where.userDir, pattern);
}

/** Files that a pattern with `*`, `?`, `[…]` names, sorted as glob(7) does; none is no error. */
async function globFiles(pattern: string): Promise<string[]> {
  let found = ['/'];
  for (const part of pattern.split('/').filter((piece) => piece !== '')) {
    const next: string[] = [];
    for (const dir of found) {
      if (!/[*?[]/.test(part)) next.push(path.join(dir, part));
      else {
        const expression = globExpression(part);
        const entries = await readdir(dir).catch(() => []);
        for (const entry of entries.sort())
          if (expression.test(entry) && (part.startsWith('.') || !entry.startsWith('.')))
            next.push(path.join(dir, entry));
      }
    }
    found = next;
  }
  const files: string[] = [];
  for (const file of found) if ((await stat(file).catch(() => undefined))?.isFile() === true) files.push(file);
  return files;
}

function globExpression(part: string): RegExp {
  const source = part.replace(/\[[!^]?[^\]]*\]|[.*+?^${}()|\\[\]]/g, (piece) => {
    if (piece === '*') return '.*';
    if (piece === '?') return '.';
    return piece.length > 1 ? piece.replace(/^\[!/, '[^') : `\\${piece}`;
  });
  return new RegExp(`^${source}$`);
}
