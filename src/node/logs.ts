import type { NodeClient } from './client.js';
import type { KitAnswer, KitLine } from './types.js';

/** What a node tells of itself: events of its kit, and the last lines of what it manages. All texts are safe to print. */
export interface NodeLogs {
  /** Oldest first, as the kit numbered them. */
  events: KitLine[];
  logs: { component: string; unit: string; text: string }[];
  /** Components whose log the node did not give, with its reason. */
  without: { component: string; reason: string }[];
}

/** What is asked for. */
export interface LogsRequest {
  /** Only this one; every managed component when absent. */
  component?: string;
  /** Lines of each log, and events. */
  lines: number;
  timeoutMs: number;
  signal: AbortSignal;
}

/** Reads the logs of a node through its kit, changing nothing there; the answer of the node when it gave none. */
export async function readLogs(
  client: NodeClient,
  node: string,
  { component, lines, timeoutMs, signal }: LogsRequest,
): Promise<NodeLogs | Exclude<KitAnswer, { kind: 'ok' }>> {
  const ask = async (fields: Record<string, string>): Promise<KitAnswer> =>
    await client.call(node, { verb: 'spool', fields, timeoutMs }, signal);
  const status = await client.call(node, { verb: 'status', fields: {}, timeoutMs }, signal);
  if (status.kind !== 'ok') return status;
  const events = component === undefined ? await newestEvents(ask, lines) : [];
  if (!Array.isArray(events)) return events;
  const found: NodeLogs = { events, logs: [], without: [] };
  for (const name of component === undefined ? componentsOf(status.lines) : [component]) {
    const answer = await ask({ op: 'log', component: name, limit: String(lines) });
    if (answer.kind === 'unreachable' || answer.kind === 'protocol') return answer;
    const log = answer.kind === 'ok' ? answer.lines.find((line) => line.t === 'log') : undefined;
    const [unit, text] = [log?.['unit'], log?.['text']];
    if (typeof unit === 'string' && typeof text === 'string') found.logs.push({ component: name, unit, text });
    else found.without.push({ component: name, reason: answer.kind === 'refused' ? answer.reason : 'it gave no log' });
  }
  return found;
}

/** At most so many pages of a thousand are turned to come to the newest events; the kit keeps two thousand. */
const maxPages = 4;
const pageSize = 500;

async function newestEvents(
  ask: (fields: Record<string, string>) => Promise<KitAnswer>,
  lines: number,
): Promise<KitLine[] | Exclude<KitAnswer, { kind: 'ok' }>> {
  let events: KitLine[] = [];
  let after = 0;
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await ask({ op: 'read', after: String(after), limit: String(pageSize) });
    if (answer.kind !== 'ok') return answer;
    const more = answer.lines.filter((line) => line.t === 'event' && typeof line['seq'] === 'number');
    events = [...events, ...more].slice(-lines);
    const last = more.at(-1)?.['seq'];
    if (more.length < pageSize || typeof last !== 'number' || last <= after) break;
    after = last;
  }
  return events;
}

function componentsOf(lines: readonly KitLine[]): string[] {
  const generation = lines.find((line) => line.t === 'generation');
  const components = generation?.['committed_components'];
  if (typeof components !== 'object' || components === null) return [];
  return Object.keys(components)
    .filter((name) => /^[a-z0-9][a-z0-9-]{0,39}$/u.test(name))
    .slice(0, 32);
}
