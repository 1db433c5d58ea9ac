interface Numbered {
  prefix: string;
  digits: number;
  numbers: number[];
}

/** Folds node names that differ only in their last number: `edge-001, edge-002, edge-004` → `edge-[001-002,004]`. */
export function foldNodes(nodes: readonly string[]): string {
  const groups = new Map<string, Numbered>();
  const order: (string | Numbered)[] = [];
  for (const node of new Set([...nodes].sort())) {
    const match = /^(?<prefix>.*?)(?<digits>\d{1,15})$/.exec(node);
    if (!match?.groups) {
      order.push(node);
      continue;
    }
    const { prefix = '', digits = '' } = match.groups;
    const key = `${prefix}\0${digits.length}`;
    let group = groups.get(key);
    if (!group) {
      group = { prefix, digits: digits.length, numbers: [] };
      groups.set(key, group);
      order.push(group);
    }
    group.numbers.push(Number(digits));
  }
  return order.map((entry) => (typeof entry === 'string' ? entry : foldGroup(entry))).join(', ');
}

function foldGroup({ prefix, digits, numbers }: Numbered): string {
  const text = (value: number): string => String(value).padStart(digits, '0');
  const [only] = numbers;
  if (numbers.length === 1 && only !== undefined) return `${prefix}${text(only)}`;
  const ranges: string[] = [];
  let start: number | undefined;
  let last = Number.NaN;
  const close = (): void => {
    if (start === undefined) return;
    ranges.push(start === last ? text(start) : `${text(start)}${last === start + 1 ? ',' : '-'}${text(last)}`);
  };
  for (const value of numbers) {
    if (start !== undefined && value === last + 1) {
      last = value;
      continue;
    }
    close();
    start = value;
    last = value;
  }
  close();
  return `${prefix}[${ranges.join(',')}]`;
}
