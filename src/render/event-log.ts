import type { RunEvent } from '../executor/events.js';
import { escapeForTerminal as safe } from '../util/escape.js';
import { eventLine } from './event-line.js';

/** An event for a log: its time, its line, and below it what the node's own log said. Empty, or ends with a line break. */
export function eventText(event: RunEvent, options: { steps: boolean }): string {
  const line = eventLine(event, options);
  if (line === undefined) return '';
  const log = event.type === 'node-state' ? (event.log ?? '') : '';
  const lines = log.split('\n').filter((one) => one.trim() !== '');
  return [`${event.at.slice(0, 19)}Z ${line}`, ...lines.map((one) => `  │ ${safe(one)}`), ''].join('\n');
}
