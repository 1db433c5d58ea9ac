import type { Imported, ImportedNode, Remark } from './model.js';
import { parseHop } from './model.js';

/** A row of a CSV file with the line that it begins on. */
interface Row {
  cells: string[];
  line: number;
}

/** Splits CSV (RFC 4180, any separator): quotes, doubled quotes, line breaks within quotes. A text when a quote is open. */
export function parseCsv(text: string, separator: string): Row[] | string {
  const rows: Row[] = [];
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  let line = 1;
  let began = 1;
  const endRow = (): void => {
    cells.push(cell);
    if (cells.some((one) => one !== '')) rows.push({ cells, line: began });
    cells = [];
    cell = '';
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === '\n') line += 1;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[at + 1] === '"') cell += text[++at] ?? '';
      else quoted = false;
    } else if (character === '"' && cell.trim() === '') {
      quoted = true;
      cell = '';
    } else if (character === separator) {
      cells.push(cell);
      cell = '';
    } else if (character === '\n') {
      endRow();
      began = line;
    } else if (character !== '\r') cell += character;
  }
  if (quoted) return `line ${began}: a quotation mark is not closed`;
  endRow();
  return rows;
}

const synonyms: Readonly<Record<string, readonly string[]>> = {
  name: ['name', 'node', 'host', 'hostname', 'id', 'host_name', 'device', 'inventory_hostname'],
  address: ['address', 'ip', 'ip_address', 'ipaddress', 'addr', 'ansible_host', 'fqdn', 'ipv4', 'management_ip'],
  port: ['port', 'ssh_port', 'ansible_port'],
  user: ['user', 'username', 'login', 'ssh_user', 'ansible_user'],
  identity: ['identity', 'key', 'identity_file', 'key_file', 'private_key', 'ssh_key'],
  via: ['via', 'jump', 'jump_host', 'bastion', 'proxy_jump', 'proxyjump'],
  transport: ['transport'],
  site: ['site', 'location', 'store', 'branch', 'datacenter'],
  region: ['region'],
  groups: ['groups', 'group'],
  state: ['state'],
  wariness: ['wariness'],
  extra: ['edgectl_node'],
};

/** How a CSV file is read. */
export interface CsvOptions {
  /** Field of a node → title of its column; what is not named is found by its usual titles. */
  columns: Readonly<Record<string, string>>;
  /** Found from the first line when absent. */
  separator?: string;
}

/** Reads nodes from CSV with a line of titles. Columns that are no field of a node become labels. */
export function importCsv(file: string, bytes: Buffer, options: CsvOptions): Imported {
  const remarks: Remark[] = [];
  const text = decode(bytes);
  const firstLine = text.slice(0, text.indexOf('\n') < 0 ? undefined : text.indexOf('\n'));
  const rows = parseCsv(text, options.separator ?? guessSeparator(firstLine));
  const error = (line: number, message: string): void => void remarks.push({ level: 'error', file, line, message });
  if (typeof rows === 'string')
    return { nodes: [], remarks: [{ level: 'error', file, line: Number(/\d+/.exec(rows)?.[0] ?? 1), message: rows }] };
  const titles = rows[0]?.cells.map((title) => title.trim()) ?? [];
  const fields = fieldsOf(titles, options.columns);
  if (typeof fields === 'string') return { nodes: [], remarks: [{ level: 'error', file, line: 1, message: fields }] };
  const nodes = rows.slice(1).flatMap(({ cells, line }): ImportedNode[] => {
    if (cells.length > titles.length && cells.slice(titles.length).some((cell) => cell.trim() !== ''))
      error(line, `${cells.length} cells under ${titles.length} titles`);
    const at = (field: string): string => (cells[fields.get(field) ?? -1] ?? '').trim();
    const name = at('name') === '' ? at('address') : at('name');
    if (name === '') return error(line, 'neither a name nor an address') ?? [];
    const port = at('port');
    if (port !== '' && !/^\d{1,5}$/.test(port)) return error(line, `port: expected a number, found “${port}”`) ?? [];
    const hops = list(at('via')).map((hop) => parseHop(hop));
    if (hops.some((hop) => hop === undefined)) return error(line, `via: “${at('via')}” is no [user@]host[:port]`) ?? [];
    const labels: Record<string, string> = {};
    titles.forEach((title, index) => {
      const value = (cells[index] ?? '').trim();
      if ([...fields.values()].includes(index) || title === '' || value === '') return;
      const key = title
        .replace(/[^A-Za-z0-9._/-]+/g, '_')
        .replace(/^[^A-Za-z0-9]+/, '')
        .slice(0, 63);
      if (key === '')
        remarks.push({ level: 'left-out', file, line: 1, message: `column “${title}” cannot name a label` });
      else labels[key] = value;
    });
    const optional = Object.fromEntries(
      (['user', 'site', 'region', 'state', 'transport'] as const).flatMap((field) =>
        at(field) === '' ? [] : [[field, at(field)]],
      ),
    ) as Partial<ImportedNode>;
    return [
      {
        name,
        address: at('address') === '' ? name : at('address'),
        ...(port === '' ? {} : { port: Number(port) }),
        ...optional,
        ...(at('wariness') === '' ? {} : { wariness: Number(at('wariness')) }),
        identity: list(at('identity')),
        via: hops.filter((hop) => hop !== undefined),
        groups: list(at('groups')),
        labels,
        origin: { file, line },
        ...(extraCell(at('extra')) ?? {}),
      },
    ];
  });
  return { nodes, remarks };
}

/** The column that `edgectl fleet export` writes for what CSV has no column for. */
function extraCell(text: string): Partial<ImportedNode> | undefined {
  try {
    return text === '' ? undefined : (JSON.parse(text) as Partial<ImportedNode>);
  } catch {
    return undefined;
  }
}

function list(text: string): string[] {
  return text
    .split(/[|,;]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** UTF-8 with or without a mark, UTF-16 with one (spreadsheets call that Unicode text). */
function decode(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString('utf16le');
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

function guessSeparator(line: string): string {
  const bare = line.replace(/"[^"]*"/g, '');
  const counts = [',', ';', '\t', '|'].map((separator) => [separator, bare.split(separator).length] as const);
  return counts.reduce((best, next) => (next[1] > best[1] ? next : best))[0];
}

function fieldsOf(titles: readonly string[], columns: Readonly<Record<string, string>>): Map<string, number> | string {
  const fields = new Map<string, number>();
  const plain = titles.map((title) => title.toLowerCase().replace(/[\s-]+/g, '_'));
  for (const [field, title] of Object.entries(columns)) {
    if (synonyms[field] === undefined)
      return `there is no field “${field}”; fields are ${Object.keys(synonyms).join(', ')}`;
    const index = titles.findIndex((one) => one.toLowerCase() === title.toLowerCase());
    if (index < 0) return `there is no column “${title}”; columns are ${titles.join(', ')}`;
    fields.set(field, index);
  }
  for (const [field, words] of Object.entries(synonyms)) {
    if (fields.has(field)) continue;
    for (const word of words) {
      const index = plain.indexOf(word);
      if (index >= 0 && ![...fields.values()].includes(index)) {
        fields.set(field, index);
        break;
      }
    }
  }
  if (fields.has('name') || fields.has('address')) return fields;
  return `no column is a name or an address (titles: ${titles.join(', ')}); say which with --column name=TITLE`;
}
