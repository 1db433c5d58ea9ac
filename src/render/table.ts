import { escapeForTerminal } from '../util/escape.js';
import type { Theme } from './theme.js';
import { cut, pad, textWidth } from './width.js';

/** A column of a table. */
export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** Shown only with `-o wide`. */
  wide?: boolean;
  /** May be cut when the terminal is narrow; without one, the widest left-aligned column is. */
  shrink?: boolean;
}

/** A cell: text (escaped here), or a text with the colour that repeats its meaning. */
export type Cell =
  string | number | null | undefined | { text: string; tone: 'good' | 'bad' | 'warn' | 'dim' | 'accent' };

/** Renders rows under titles, two spaces apart, cut to the width of the terminal. */
export function renderTable(
  columns: readonly (string | Column)[],
  rows: readonly (readonly Cell[])[],
  options: { theme: Theme; width: number; wide: boolean },
): string {
  const all = columns.map((column) => (typeof column === 'string' ? { title: column } : column) as Column);
  const shown = all.map((column, index) => ({ column, index })).filter(({ column }) => options.wide || !column.wide);
  const texts = rows.map((row) => shown.map(({ index }) => plain(row[index])));
  const widths = shown.map(({ column }, at) =>
    Math.max(textWidth(column.title), ...texts.map((row) => textWidth(row[at] ?? ''))),
  );
  if (!options.wide)
    shrinkToFit(
      widths,
      shown.map(({ column }) => column),
      options.width,
    );
  const line = (cells: readonly string[], paint: (text: string, at: number) => string): string =>
    cells
      .map((text, at) => {
        const { align } = shown[at]?.column ?? {};
        const cell = cut(text, widths[at] ?? 0);
        const filled = pad(cell, widths[at] ?? 0, align);
        return paint(at === cells.length - 1 && align !== 'right' ? cell : filled, at);
      })
      .join('  ')
      .trimEnd();
  const head = line(
    shown.map(({ column }) => column.title),
    (text) => options.theme.dim(text),
  );
  const body = texts.map((row, r) =>
    line(row, (text, at) => {
      const cell = rows[r]?.[shown[at]?.index ?? 0];
      return typeof cell === 'object' && cell !== null ? options.theme[cell.tone](text) : text;
    }),
  );
  return [head, ...body].join('\n');
}

function plain(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  return escapeForTerminal(typeof cell === 'object' ? cell.text : String(cell));
}

/** Takes cells from the columns that may shrink, then from the widest ones, never below eight. */
function shrinkToFit(widths: number[], columns: readonly Column[], width: number): void {
  const total = (): number => widths.reduce((sum, cells) => sum + cells + 2, -2);
  const marked = columns.flatMap((column, at) => (column.shrink ? [at] : []));
  const candidates = marked.length > 0 ? marked : columns.map((_, at) => at);
  while (total() > width) {
    const widest = candidates.reduce(
      (best, at) => ((widths[at] ?? 0) > (widths[best] ?? 0) ? at : best),
      candidates[0] ?? 0,
    );
    if ((widths[widest] ?? 0) <= 8) return;
    widths[widest] = Math.max(8, (widths[widest] ?? 0) - (total() - width > 8 ? 4 : 1));
  }
}
