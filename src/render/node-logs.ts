import { escapeForTerminal as safe } from '../util/escape.js';
import type { Ui } from './ui.js';
import { cut } from './width.js';

/** What is shown of a node's logs. */
export interface ShownLogs {
  events: readonly Readonly<Record<string, unknown>>[];
  logs: readonly { component: string; unit: string; text: string }[];
  without: readonly { component: string; reason: string }[];
}

const own: ReadonlySet<string> = new Set(['t', 'seq', 'boot', 'up', 'kind']);

/** The screen of `edgectl node logs`: the kit's events, then the log of each unit, newest last. */
export function logsText({ events, logs, without }: ShownLogs, ui: Ui): string {
  const blocks = logs.map(({ component, unit, text }) => [
    ui.theme.strong(`${safe(component)} (${safe(unit)})`),
    ...text.split('\n').map((line) => `  ${ui.wide ? safe(line) : cut(safe(line), ui.width - 2)}`),
  ]);
  const told = events.map((event) => `  ${eventWords(event)}`);
  const happened = told.length === 0 ? [] : [[ui.theme.strong('events of the kit'), ...told]];
  const missing = without.map(({ component, reason }) => ui.theme.dim(`${safe(component)}: ${safe(reason)}`));
  const parts = [...happened, ...blocks, ...(missing.length === 0 ? [] : [missing])];
  return parts.length === 0 ? 'nothing is logged' : parts.map((lines) => lines.join('\n')).join('\n\n');
}

/** `boot 3f2a91c0 + 120 s  committed  run=01J… generation=4`. */
function eventWords(event: Readonly<Record<string, unknown>>): string {
  const text = (value: unknown): string => safe(typeof value === 'string' ? value : String(value));
  const more = Object.entries(event).filter(([key]) => !own.has(key));
  const when = `boot ${text(event['boot']).slice(0, 8)} + ${text(event['up'])} s`;
  return [when, text(event['kind']), more.map(([key, value]) => `${safe(key)}=${text(value)}`).join(' ')]
    .filter((part) => part !== '')
    .join('  ');
}
