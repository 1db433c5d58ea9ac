import { verdictOnFacts } from '../facts/verdict.js';
import type { NodeVerdict } from '../node/exit-code.js';
import type { Ui } from '../render/ui.js';
import { count } from '../render/units.js';
import type { SweptNode } from './sweep.js';

/** The results of a sweep as plain data, a row a node. */
export function sweepRows(results: readonly SweptNode[]): Record<string, unknown>[] {
  return results.map((result) => {
    const { node } = result;
    if (!result.ok) return { node, seen: false, why: result.why, message: result.message };
    const { kit, changed, sections, same, dark } = result;
    return { node, seen: true, kit, changed, sections, same, ...(dark.length === 0 ? {} : { dark }) };
  });
}

/** A sweep for people: what changed, who was seen without a kit or only in part, who was not seen. */
export function sweepText(results: readonly SweptNode[], ui: Ui): string {
  const seen = results.flatMap((result) => (result.ok ? [result] : []));
  const changed = seen.filter((result) => result.changed > 0);
  const noKit = seen.filter(({ kit }) => !kit);
  const dark = seen.filter((result) => result.dark.length > 0);
  const attributes = changed.reduce((sum, result) => sum + result.changed, 0);
  const names = (some: readonly { node: string }[]): string => ui.fold(some.map(({ node }) => node));
  const lines = [
    `${count(seen.length, 'node')} of ${results.length} seen: ${
      changed.length === 0
        ? 'nothing has changed'
        : `${count(attributes, 'attribute')} new or changed on ${names(changed)}`
    }`,
    ...(noKit.length === 0 ? [] : [`without a kit that can look, so without privilege: ${names(noKit)}`]),
    ...(dark.length === 0
      ? []
      : [`in part: ${names(dark)} (${[...new Set(dark.flatMap((one) => one.dark))].join(', ')})`]),
  ];
  for (const [why, some] of failures(results)) {
    const example = some.length > 1 ? 'for example, ' : '';
    lines.push(`${ui.theme.bad(why)}  ${names(some)}: ${example}${some[0]?.message ?? ''}`);
  }
  const [first] = changed;
  if (first !== undefined) lines.push(`Next:  edgectl drift history ${first.node}`);
  return lines.join('\n');
}

function failures(results: readonly SweptNode[]): Map<string, { node: string; message: string }[]> {
  const groups = new Map<string, { node: string; message: string }[]>();
  for (const result of results) {
    if (!result.ok) groups.set(result.why, [...(groups.get(result.why) ?? []), result]);
  }
  return groups;
}

/** What came of one node, for the exit code. */
export function verdictOnSweep(result: SweptNode): NodeVerdict {
  if (result.ok) return 'ok';
  const { node, why, message, answer } = result.look;
  return verdictOnFacts({ node, ok: false, why, message, answer });
}
