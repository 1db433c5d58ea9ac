import { isIPv6 } from 'node:net';

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const mostHosts = 100_000;

/** The hosts of one entry, and the port behind them; a text when it cannot be read. `web[01:50].example.org:2222`. */
export function expandHosts(entry: string): { hosts: string[]; port?: number } | string {
  const six = /^\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?$/.exec(entry);
  if (six !== null && isIPv6(six[1] ?? '')) return withPort([six[1] ?? ''], six[2]);
  if (isIPv6(entry)) return { hosts: [entry] };
  const ported = /^(.*[^:]):(\d{1,5})$/.exec(entry);
  const behind = ported?.[1]?.replace(/\[[^\]]*\]/g, '').includes(':') === false ? ported : null;
  const hosts = expandRanges(behind?.[1] ?? entry);
  return typeof hosts === 'string' ? hosts : withPort(hosts, behind?.[2]);
}

function withPort(hosts: string[], port: string | undefined): { hosts: string[]; port?: number } | string {
  if (port === undefined) return { hosts };
  const value = Number(port);
  return value >= 1 && value <= 65_535 ? { hosts, port: value } : `there is no port ${port}`;
}

/** Every host of a name with ranges `[01:50]`, `[a:f]`, `[1:9:2]`; a text when one cannot be read. */
export function expandRanges(name: string): string[] | string {
  const open = name.indexOf('[');
  if (open < 0) return name.includes(']') ? `“]” without “[” in “${name}”` : [name];
  const close = name.indexOf(']', open);
  if (close < 0) return `“[” is not closed in “${name}”`;
  const items = rangeItems(name.slice(open + 1, close));
  if (typeof items === 'string') return items;
  const tails = expandRanges(name.slice(close + 1));
  if (typeof tails === 'string') return tails;
  if (items.length * tails.length > mostHosts) return `“${name}” stands for more than ${mostHosts} hosts`;
  const head = name.slice(0, open);
  return items.flatMap((item) => tails.map((tail) => `${head}${item}${tail}`));
}

function rangeItems(text: string): string[] | string {
  const match = /^([0-9]*|[A-Za-z]):([0-9]+|[A-Za-z])(?::([1-9][0-9]{0,5}))?$/.exec(text);
  if (match === null) return `“[${text}]” is no range such as [01:50] or [a:f]`;
  const [, from = '', to = '', step] = match;
  const by = Number(step ?? '1');
  const first = from === '' ? '0' : from;
  const isLetter = /[A-Za-z]/.test(first);
  if (isLetter !== /[A-Za-z]/.test(to)) return `“[${text}]” mixes letters and numbers`;
  const low = isLetter ? letters.indexOf(first) : Number(first);
  const high = isLetter ? letters.indexOf(to) : Number(to);
  const padded = !isLetter && first.length > 1 && first.startsWith('0');
  if (padded && first.length !== to.length) return `both ends of “[${text}]” need the same number of digits`;
  if (low > high) return `“[${text}]” runs backwards`;
  if ((high - low) / by > mostHosts) return `“[${text}]” stands for more than ${mostHosts} hosts`;
  const items: string[] = [];
  for (let at = low; at <= high; at += by)
    items.push(isLetter ? (letters[at] as string) : padded ? String(at).padStart(first.length, '0') : String(at));
  return items;
}
