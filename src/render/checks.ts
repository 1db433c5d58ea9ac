import type { Ui } from './ui.js';
import { wrap } from './width.js';

/** What a check found, as it is shown. */
export interface ShownCheck {
  id: string;
  state: 'ok' | 'warn' | 'bad' | 'skipped';
  detail: string;
  hint?: string;
}

const signs = { ok: 'ok', warn: 'warning', bad: 'FAILED', skipped: 'skipped' } as const;
const tones = { ok: 'good', warn: 'warn', bad: 'bad', skipped: 'dim' } as const;

/** The checks of a doctor as a table, then what to type for each that is not well, or that all is well. */
export function checksText(ui: Ui, checks: readonly ShownCheck[], allWell: string): string {
  const rows = checks.map(({ id, state, detail }) => [{ text: signs[state], tone: tones[state] }, id, detail]);
  const ill = checks.filter(({ hint }) => hint !== undefined && hint !== '');
  const failed = checks.some(({ state }) => state === 'bad');
  const repair = ill.flatMap(({ id, detail, hint = '' }) => [
    ...wrap(`${id}: ${detail}`, ui.width - 2).map((line) => `  ${line}`),
    // Not broken: it is there to be pasted.
    `      ${ui.theme.accent(hint)}`,
  ]);
  const end = ill.length === 0 ? [allWell] : [failed ? 'To repair it:' : `${allWell}. Worth a look:`, ...repair];
  return [ui.table(['', 'check', 'found'], rows), '', ...end].join('\n');
}
