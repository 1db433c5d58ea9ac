import type { Ui } from '../render/ui.js';
import type { Envelope } from './envelope.js';
import type { Format } from './flags.js';

/** What a command's `execute()` hands back. */
export interface CommandResult {
  /** Plain data for `-o json|yaml|ndjson`. */
  data: unknown;
  /** The same for people. Ends without a line break. */
  text: (ui: Ui) => string;
  /** 0 when absent. */
  exitCode?: number;
  runId?: string;
  /** Rows for `-o ndjson|name` when they are not `data` itself or its only list. */
  rows?: readonly unknown[];
}

/** The text for standard output of a result in one of the formats. */
export async function formatResult(format: Format, result: CommandResult, envelope: Envelope, ui: Ui): Promise<string> {
  switch (format) {
    case 'json':
      return `${JSON.stringify(envelope, null, 2)}\n`;
    case 'yaml':
      return await toYaml(envelope);
    case 'ndjson':
      return rowsOf(result)
        .map((row) => `${JSON.stringify(row)}\n`)
        .join('');
    case 'name':
      return rowsOf(result)
        .map((row) => `${nameOf(row)}\n`)
        .join('');
    case 'table':
    case 'wide': {
      const text = result.text(ui).trimEnd();
      return text === '' ? '' : `${text}\n`;
    }
  }
}

/** The text for standard output of an error; empty for formats that show errors to people. */
export async function formatError(format: Format, envelope: Envelope): Promise<string> {
  if (format === 'json') return `${JSON.stringify(envelope, null, 2)}\n`;
  if (format === 'ndjson') return `${JSON.stringify(envelope)}\n`;
  return format === 'yaml' ? await toYaml(envelope) : '';
}

async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  // One line a value: folded, a node's text could begin a line, and CI reads commands from there.
  return stringify(JSON.parse(JSON.stringify(value)), { lineWidth: 0 });
}

/** The rows of a result: itself when it is a list, its only list, or itself as the one row. */
export function rowsOf(result: CommandResult): readonly unknown[] {
  if (result.rows !== undefined) return result.rows;
  const { data } = result;
  if (Array.isArray(data)) return data as unknown[];
  if (typeof data === 'object' && data !== null) {
    const lists = Object.values(data).filter((value): value is unknown[] => Array.isArray(value));
    if (lists.length === 1 && lists[0] !== undefined) return lists[0];
  }
  return data === undefined || data === null ? [] : [data];
}

function nameOf(row: unknown): string {
  if (typeof row === 'object' && row !== null) {
    const fields = row as Record<string, unknown>;
    for (const key of ['id', 'name', 'node', 'run', 'digest']) if (typeof fields[key] === 'string') return fields[key];
  }
  return typeof row === 'string' ? row : JSON.stringify(row);
}
