import type { Observation } from '../facts/observed.js';
import { desiredFile } from '../fleet/schema/desired-file.js';
import { foldNames } from '../plan/ranges.js';
import { absent, indexed, shown } from './attributes.js';

/** What a baseline is written from. */
export interface BaselineInput {
  /** At least one. */
  nodes: readonly string[];
  observations: readonly Observation[];
  /** The selector that the entry shall have. */
  on: string;
  /** RFC 3339 UTC. */
  now: string;
}

/** One line of desired state: where it stands, and its value as it is read back. */
interface Entry {
  section: 'sysctls' | 'kernel-parameters' | 'files' | 'units' | 'packages';
  key: string;
  /** Of a file: digest, mode or owner. */
  part?: string;
  value: string;
}

/**
 * What is there, as desired state in YAML for a person to edit. Written is what is the same on all of the nodes and can stand in
 * desired.yaml; the rest stands in comments, so that nothing is lost without a word.
 */
export function baselineOf(input: BaselineInput): string {
  return new Baseline(input).run();
}

class Baseline {
  private readonly entries: Entry[] = [];
  private readonly notes: string[] = [];
  private readonly runtimes: string[] = [];

  constructor(private readonly input: BaselineInput) {}

  run(): string {
    const { nodes, on, now } = this.input;
    for (const [attribute, values] of this.values()) this.take(attribute, values);
    this.dropFilesThatAreAbsent();
    const names = foldNames(nodes);
    const many =
      nodes.length === 1 ? names : `${nodes.length} nodes (${names.length > 300 ? `${names.slice(0, 300)}…` : names})`;
    const body = this.sections();
    return [
      `# What was there on ${many}, ${now.slice(0, 16).replace('T', ' ')} UTC.`,
      '# Take out what nobody needs to insist on, then put it into desired.yaml or a file in state/.',
      `- on: ${scalar(on)}`,
      ...(body.length === 0 ? ['  # nothing was seen that desired.yaml could hold', '  sysctls: {}'] : body),
      ...this.notes.map((note) => `# ${note}`),
      ...(this.runtimes.length === 0 ? [] : ['# In runtimes.yaml:', ...this.runtimes.map((line) => `# ${line}`)]),
      '',
    ].join('\n');
  }

  /** Of each attribute the value on each node; undefined where it is not known. */
  private values(): Map<string, (string | undefined)[]> {
    const seen = indexed(this.input.observations);
    const names = new Set(this.input.observations.map(({ attribute }) => attribute));
    const rows = [...names].sort().map((attribute) => {
      const values = this.input.nodes.map((node) => seen.get(node)?.get(attribute)?.value);
      return [attribute, values] as const;
    });
    return new Map(rows);
  }

  private take(attribute: string, values: readonly (string | undefined)[]): void {
    const entries = (value: string): Entry[] => entriesOf(attribute, value);
    const known = values.filter((value) => value !== undefined);
    const [first] = known;
    if (first === undefined || entries(first).length === 0) return this.takeRuntime(attribute, known);
    if (known.length < values.length || known.some((value) => value !== first)) {
      const counts = new Map<string, number>();
      for (const value of values) counts.set(value ?? 'not known', (counts.get(value ?? 'not known') ?? 0) + 1);
      const shares = [...counts]
        .sort(([, a], [, b]) => b - a)
        .map(([value, count]) => `${count} have ${shown(value).slice(0, 80)}`);
      this.notes.push(`not the same on all: ${shown(attribute)}: ${shares.slice(0, 5).join(', ')}`);
      return;
    }
    for (const entry of entries(first)) {
      if (fits(entry)) this.entries.push(entry);
      else this.notes.push(`cannot stand in desired.yaml: ${shown(attribute)} ${shown(entry.value).slice(0, 80)}`);
    }
  }

  private takeRuntime(attribute: string, values: readonly string[]): void {
    const name = /^runtime\.(?<name>[a-z0-9-]+)\.bundle$/.exec(attribute)?.groups?.['name'];
    const [digest] = values;
    if (name === undefined || digest === undefined || values.some((value) => value !== digest)) return;
    if (!/^sha256:[0-9a-f]{64}$/.test(digest) || name === 'kit') return;
    const version = this.input.observations.find((one) => one.attribute === `runtime.${name}.version`)?.value ?? '';
    if (!/^[A-Za-z0-9][A-Za-z0-9.+~_-]{0,63}$/.test(version)) return;
    this.runtimes.push(
      `- { runtime: ${name}, version: ${scalar(version)}, digest: ${scalar(digest)}, on: ${scalar(this.input.on)} }`,
    );
  }

  /** A file that is not there is one word, not three. */
  private dropFilesThatAreAbsent(): void {
    const gone = new Set(
      this.entries.filter(({ section, value }) => section === 'files' && value === absent).map(({ key }) => key),
    );
    const kept = this.entries.filter(({ section, key }) => section !== 'files' || !gone.has(key));
    this.entries.splice(
      0,
      this.entries.length,
      ...kept,
      ...[...gone].map((key): Entry => ({ section: 'files', key, value: absent })),
    );
  }

  private sections(): string[] {
    return (['sysctls', 'kernel-parameters', 'files', 'units', 'packages'] as const).flatMap((section) => {
      const own = this.entries.filter((entry) => entry.section === section);
      if (own.length === 0) return [];
      const keys = [...new Set(own.map(({ key }) => key))].sort();
      return [
        `  ${section}:`,
        ...keys.map((key) => `    ${scalar(key)}: ${valueText(own.filter((entry) => entry.key === key))}`),
      ];
    });
  }
}

function entriesOf(attribute: string, value: string): Entry[] {
  const rest = (prefix: string): string => attribute.slice(prefix.length);
  if (attribute.startsWith('sysctl.')) return [{ section: 'sysctls', key: rest('sysctl.'), value }];
  if (attribute.startsWith('package.')) return [{ section: 'packages', key: rest('package.'), value }];
  const unit = /^unit\.(?<name>.+)\.active$/.exec(attribute)?.groups?.['name'];
  if (unit !== undefined) return [{ section: 'units', key: unit, value }];
  const file = /^file\.(?<path>.+)\.(?<part>digest|mode|owner)$/s.exec(attribute)?.groups;
  if (file !== undefined) return [{ section: 'files', key: file['path'] ?? '', part: file['part'] ?? '', value }];
  if (attribute !== 'kernel.options' || value === 'none') return [];
  return value.split(' ').map((word): Entry => {
    const at = word.indexOf('=');
    const [key, set] = at === -1 ? [word, 'set'] : [word.slice(0, at), word.slice(at + 1)];
    return { section: 'kernel-parameters', key, value: set };
  });
}

/** What the schema of desired.yaml takes, and reads back as the same value. */
function fits({ section, key, part, value }: Entry): boolean {
  if (value !== value.trim() || /[\0-\x1f\x7f-\x9f]|##\[/.test(value + key)) return false;
  const written = part === undefined || value === absent ? value : { [part]: value };
  return desiredFile.safeParse([{ [section]: { [key]: written } }]).success;
}

function valueText(entries: readonly Entry[]): string {
  const [first] = entries;
  if (first?.part === undefined) return scalar(first?.value ?? '');
  return `{ ${entries.map(({ part, value }) => `${part ?? ''}: ${scalar(value)}`).join(', ')} }`;
}

/** A scalar that YAML reads back as this very text. JSON is YAML. */
function scalar(text: string): string {
  return /^[A-Za-z0-9/][A-Za-z0-9/._+~-]*$/.test(text) ? text : JSON.stringify(text);
}
