import type { KitLine } from '../node/types.js';
import { oneLine } from '../util/escape.js';
import { canonicalValue } from './attributes/canonical.js';
import { attributeOf, attributeSections, fixedNames, sectionOf } from './attributes/table.js';
import { certificateReadings } from './certificate.js';
import { clockOffset } from './clock-offset.js';
import type { Reading, SectionSighting } from './sighting.js';

/** Most attributes of one section that are believed. */
export const maxAttributes = 1000;
const maxName = 300;
const sections = new Set(attributeSections.map(({ section }) => section));

/** What the operator knew and when it asked, milliseconds since the epoch. */
export interface AskContext {
  /** Digests that were sent, by section. */
  known: Readonly<Record<string, string>>;
  sentAt: number;
  receivedAt: number;
}

/** Read the answer of the verb `observe`. Lines that a newer kit sends are left aside; what a node may not say is not believed. */
export function parseSighting(
  lines: readonly KitLine[],
  context: AskContext,
): { sections: SectionSighting[]; volatile: Map<string, Reading> } {
  const found = new Map<string, SectionSighting>();
  const volatile = new Map<string, Reading>();
  let open: { section: string; readings: Map<string, Reading> } | undefined;
  for (const line of lines) {
    if (line.t === 'section') open = openSection(line, found);
    else if (line.t === 'a' && open !== undefined) addReading(line, open);
    else if (line.t === 'now') addVolatile(line, volatile, context);
    else if (line.t === 'same') addSame(line, found, context);
  }
  return { sections: [...found.values()], volatile };
}

function openSection(
  line: KitLine,
  found: Map<string, SectionSighting>,
): { section: string; readings: Map<string, Reading> } | undefined {
  const { name, digest, unknown } = line;
  if (typeof name !== 'string' || !sections.has(name) || found.has(name)) return undefined;
  if (typeof unknown === 'string') {
    const reason = oneLine(unknown, 120);
    const readings = new Map(fixedNames(name).map((attribute) => [attribute, { unknown: reason }]));
    found.set(name, { section: name, state: 'dark', readings, reason });
    return undefined;
  }
  if (typeof digest !== 'string' || !/^[0-9a-f]{16}$/u.test(digest)) return undefined;
  const readings = new Map<string, Reading>();
  found.set(name, { section: name, state: 'seen', digest, readings });
  return { section: name, readings };
}

function addReading(line: KitLine, { section, readings }: { section: string; readings: Map<string, Reading> }): void {
  const name = nameOf(line);
  if (name === undefined || sectionOf(name) !== section || readings.size >= maxAttributes || readings.has(name)) return;
  const { v } = line;
  if (section === 'certificate' && name.endsWith('.pem')) {
    if (typeof v !== 'string') return;
    for (const [its, reading] of certificateReadings(name.slice(0, -'.pem'.length), v)) readings.set(its, reading);
    return;
  }
  const reading = readingOf(line, name, false);
  if (reading !== undefined) readings.set(name, reading);
}

function addVolatile(line: KitLine, volatile: Map<string, Reading>, context: AskContext): void {
  const name = nameOf(line);
  if (name === undefined || volatile.size >= maxAttributes) return;
  if (name === 'clock.time') {
    const offset = clockOffset(String(line['v']), context.sentAt, context.receivedAt);
    volatile.set('clock.offset', offset === undefined ? { unknown: 'invalid' } : { value: offset });
    return;
  }
  const reading = name === 'clock.offset' ? undefined : readingOf(line, name, true);
  if (reading !== undefined) volatile.set(name, reading);
}

/** A node can only say that a section is the same when the operator has said what it knows. */
function addSame(line: KitLine, found: Map<string, SectionSighting>, { known }: AskContext): void {
  const names = typeof line['sections'] === 'string' ? line['sections'].split(',') : [];
  for (const section of names) {
    const digest = known[section];
    if (digest === undefined || !sections.has(section) || found.has(section)) continue;
    found.set(section, { section, state: 'same', digest, readings: new Map() });
  }
}

function nameOf({ n }: KitLine): string | undefined {
  return typeof n === 'string' && n.length <= maxName && !/[\n\t]/u.test(n) ? n : undefined;
}

function readingOf(line: KitLine, name: string, volatile: boolean): Reading | undefined {
  const attribute = attributeOf(name);
  if (attribute === undefined || (attribute.volatile === true) !== volatile) return undefined;
  const { v, u } = line;
  if (typeof u === 'string') return { unknown: oneLine(u, 120) };
  if (typeof v !== 'string') return undefined;
  const value = canonicalValue(attribute, v);
  return value === undefined ? { unknown: 'invalid' } : { value };
}
