import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { shellQuote } from '../node/prepare-script.js';

/** Reads a file of templates/site. */
export async function sitePart(name: string): Promise<string> {
  return await readFile(fileURLToPath(new URL(`../../templates/site/${name}`, import.meta.url)), 'utf8');
}

/** Ends every text inside of a script; no line of a text may be equal to it. */
const textEnd = 'EDGECTL_TEXT_ENDS_HERE';

/** A shell function that prints a text. Throws RangeError when the text holds the line that would end it. */
export function textFunction(name: string, text: string): string {
  if (text.split('\n').includes(textEnd)) throw new RangeError('a text holds the line that ends it');
  return `${name}() {\n${heredoc('cat', text)}\n}`;
}

/** A command that reads a text, and what comes after it on its line. */
export function heredoc(command: string, text: string, after = ''): string {
  const body = text.replace(/\n$/, '');
  return text === '' ? `${command} </dev/null${after}` : `${command} <<'${textEnd}'${after}\n${body}\n${textEnd}`;
}

/**
 * A script for a site's lead node, to be piped to `sh -s`. dash and busybox read a script ahead, so its arguments are assignments in
 * it, and the braces make the shell read all of it before it begins.
 */
export async function siteScript(
  part: 'probe' | 'start' | 'status' | 'verify',
  args: Readonly<Record<string, string>>,
  functions: readonly string[] = [],
): Promise<string> {
  const texts = await Promise.all([sitePart('answer.sh'), sitePart(`${part}.sh`)]);
  const assignments = Object.entries(args).map(([key, value]) => `ARG_${key}=${shellQuote(value)}`);
  const head = [
    'set -u',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'LC_ALL=C',
    'export PATH LC_ALL',
  ];
  return ['{', ...head, ...assignments, ...texts, ...functions, 'main', 'exit', '}', ''].join('\n');
}
