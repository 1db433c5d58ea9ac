import type { NodeSighting, Reading } from '../../facts/sighting.js';
import type { Interner } from './interner.js';
import { codeOf } from './readings.js';
import type { NodesTable } from './schema.js';
import type { Change, NodeState } from './segment.js';

/** The first part of an attribute's name. */
export function sectionPart(attribute: string): string {
  const dot = attribute.indexOf('.');
  return dot === -1 ? attribute : attribute.slice(0, dot);
}

/** Does this sighting tell more than that everything is as it was? */
export function tellsMore(sighting: NodeSighting): boolean {
  return sighting.sections.some(({ state }) => state !== 'same');
}

/** The sighting without sections that are the same as something that another process has since replaced. */
export function stillTrue(sighting: NodeSighting, digests: Readonly<Record<string, string>>): NodeSighting {
  const sections = sighting.sections.filter(
    ({ section, state, digest }) => state !== 'same' || digests[section] === digest,
  );
  return sections.length === sighting.sections.length ? sighting : { ...sighting, sections };
}

/** What changes in the state of a node by a sighting. */
export function changesOf(state: NodeState, sighting: NodeSighting, names: Interner, texts: Interner): Change[] {
  const changes: Change[] = [];
  const become = (id: number, code: number): void => {
    if (state.code(id) !== code) changes.push({ id, code });
  };
  const told = sighting.sections.filter(({ state: how }) => how !== 'same');
  const bySection = new Map(told.map((one) => [one.section, one]));
  const named = new Set<number>();
  for (const { readings } of told) {
    for (const [name, reading] of readings) {
      const id = names.id(name);
      named.add(id);
      become(id, codeOf(reading, texts));
    }
  }
  for (const id of state.ids) {
    if (named.has(id) || state.code(id) === 0) continue;
    const section = bySection.get(sectionPart(names.text(id)));
    if (section === undefined) continue;
    become(id, section.state === 'dark' ? codeOf({ unknown: section.reason ?? '' }, texts) : 0);
  }
  return changes;
}

/** The digests of a node after a sighting: a section that was dark has none, so that it is told in full again. */
export function digestsAfter(
  before: Readonly<Record<string, string>>,
  { sections }: NodeSighting,
): Record<string, string> {
  const after = { ...before };
  for (const { section, digest } of sections) {
    if (digest === undefined) delete after[section];
    else after[section] = digest;
  }
  return after;
}

/** Texts and names that a sighting needs numbers for. */
export function readingsOf(sighting: NodeSighting): [string, Reading][] {
  const told = sighting.sections.flatMap(({ readings, state, reason, section }): [string, Reading][] => [
    ...readings,
    ...(state === 'dark' ? [[section, { unknown: reason ?? '' }] as [string, Reading]] : []),
  ]);
  return [...told, ...sighting.volatile];
}

/** The name under which a set of sections is interned. */
export function maskName({ sections }: NodeSighting): string {
  return `:${sections
    .map(({ section }) => section)
    .sort()
    .join(',')}`;
}

/** The sections behind such a name. */
export function maskSections(name: string): string[] {
  return name.length <= 1 ? [] : name.slice(1).split(',');
}

/** When sections were last seen that were not seen this time: JSON for the column `late`. */
export function lateAfter(row: Pick<NodesTable, 'late' | 'seen_at'>, before: string[], now: string[]): string {
  const late = row.late === '' ? {} : (JSON.parse(row.late) as Record<string, number>);
  for (const section of before) late[section] = row.seen_at;
  const left = Object.entries(late).filter(([section]) => !now.includes(section));
  return left.length === 0 ? '' : JSON.stringify(Object.fromEntries(left));
}
