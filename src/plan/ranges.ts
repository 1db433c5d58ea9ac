interface Group {
  prefix: string;
  width: number;
  /** Digits of each number, in order. */
  numbers: number[];
}

const maxDigits = 9;

/** The last run of digits that ends a name decides; longer numbers than a range can hold stay as they are. */
function split(id: string): { prefix: string; digits: string } | undefined {
  const match = /^(.*?)(\d+)$/.exec(id);
  const digits = match?.[2] ?? '';
  return digits === '' || digits.length > maxDigits ? undefined : { prefix: match?.[1] ?? '', digits };
}

function foldGroup({ prefix, width, numbers }: Group): string {
  const write = (value: number): string => String(value).padStart(width, '0');
  const ranges: { from: number; to: number }[] = [];
  for (const value of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to + 1 === value) last.to = value;
    else ranges.push({ from: value, to: value });
  }
  const [only] = ranges;
  if (ranges.length === 1 && only !== undefined && only.from === only.to) return `${prefix}${write(only.from)}`;
  const texts = ranges.map(({ from, to }) =>
    from === to ? write(from) : `${write(from)}${to === from + 1 ? ',' : '-'}${write(to)}`,
  );
  return `${prefix}[${texts.join(',')}]`;
}

/**
 * Folds node ids for people: `edge-[001-040], gw-lyon`. Duplicates are dropped; the text read as a selector gives the
 * same nodes back.
 */
export function foldNames(ids: Iterable<string>): string {
  const groups = new Map<string, Group>();
  const parts: (string | Group)[] = [];
  for (const id of [...new Set(ids)].sort()) {
    const pieces = split(id);
    if (pieces === undefined) {
      parts.push(id);
      continue;
    }
    const { prefix, digits } = pieces;
    // A number without leading zeros may grow a digit within one range; a padded one may not.
    const width = digits.startsWith('0') ? digits.length : 0;
    const padded = groups.get(`${prefix}\n${digits.length}`);
    const group = padded ?? groups.get(`${prefix}\n${width}`);
    if (group !== undefined) {
      group.numbers.push(Number(digits));
      continue;
    }
    const created: Group = { prefix, width, numbers: [Number(digits)] };
    groups.set(`${prefix}\n${width}`, created);
    parts.push(created);
  }
  return parts.map((part) => (typeof part === 'string' ? part : foldGroup(part))).join(', ');
}
