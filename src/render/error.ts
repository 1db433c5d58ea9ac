import { escapeForTerminal } from '../util/escape.js';
import type { Ui } from './ui.js';
import { textWidth, wrap } from './width.js';

/** What the error screen shows. */
export interface ShownError {
  code: string;
  message: string;
  hint: string | undefined;
  lines: readonly string[];
  stack?: string | undefined;
}

/** The error screen: what, the code, details, the next command, the docs page. Ends with a line break. */
export function renderError(error: ShownError, { ui, debug }: { ui: Ui; debug: boolean }): string {
  const { theme, width } = ui;
  const room = Math.min(width, 100);
  const [first = '', ...rest] = error.message.split('\n');
  const messageLines = wrap(escapeForTerminal(first), room - 2);
  const head = messageLines[0] ?? '';
  const gap = room - 2 - textWidth(head) - error.code.length;
  const fits = messageLines.length === 1 && gap >= 2;
  const title = `${theme.bad('✖')} ${theme.strong(head)}`;
  const out = fits
    ? [`${title}${' '.repeat(gap)}${theme.dim(error.code)}`]
    : [title, ...messageLines.slice(1).map((line) => `  ${theme.strong(line)}`)];
  const details = [...rest, ...error.lines].filter((line) => line.trim() !== '');
  out.push(...details.map((line) => `  ${escapeForTerminal(line)}`));
  if (error.hint !== undefined) out.push(`  Next:  ${theme.accent(escapeForTerminal(error.hint))}`);
  out.push(`  ${theme.dim(`${fits ? '' : `${error.code}  `}docs/reference/errors.md#${error.code.toLowerCase()}`)}`);
  if (debug && error.stack !== undefined)
    out.push('', ...error.stack.split('\n').map((line) => `  ${escapeForTerminal(line)}`));
  return `${out.join('\n')}\n`;
}
