import { foldNames } from '../plan/ranges.js';
import type { Cell, Column } from './table.js';
import { renderTable } from './table.js';
import type { ColorOptions, Theme } from './theme.js';
import { createTheme } from './theme.js';

export type { Cell, Column } from './table.js';
export type { Theme } from './theme.js';

/** What a command needs to write for people. */
export interface Ui {
  theme: Theme;
  /** Cells. */
  width: number;
  /** `-o wide`: columns marked wide are shown. */
  wide: boolean;
  /** A table without frames that fits the width. */
  table(columns: readonly (string | Column)[], rows: readonly (readonly Cell[])[]): string;
  /** Node names folded together: `edge-[001-040]`. */
  fold(nodes: readonly string[]): string;
}

/** Makes the {@link Ui} of one stream. */
export function createUi(options: ColorOptions & { width: number; wide?: boolean }): Ui {
  const theme = createTheme(options);
  const wide = options.wide ?? false;
  const { width } = options;
  return {
    theme,
    width,
    wide,
    table: (columns, rows) => renderTable(columns, rows, { theme, width, wide }),
    fold: foldNames,
  };
}
