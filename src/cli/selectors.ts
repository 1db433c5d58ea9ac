import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { EdgectlError } from '../errors/error.js';
import { needsOf } from '../fleet/knowledge.js';
import { explainSelector, unknownNodes } from '../fleet/explain-selector.js';
import { parseSelector } from '../fleet/selector.js';
import type { Selector } from '../fleet/selector.js';
import type { Fleet } from '../fleet/types.js';
import { age, count } from '../render/units.js';
import { foldNames } from '../plan/ranges.js';
import type { Clock } from '../util/clock.js';
import { withJournal } from './journal.js';
import type { Io } from './io.js';

/**
 * The fleet with what the journal knows, when one of the selectors asks for facts or run states; the same fleet, and no
 * journal opened, when none does.
 */
export async function withKnowledge(
  fleet: Fleet,
  texts: readonly string[],
  around: { io: Io; clock: Clock; say: (text: string) => Promise<void> },
): Promise<Fleet> {
  const asking = texts.flatMap((text) => {
    const selector = parsed(text);
    return selector !== undefined && needsOf(selector, fleet.nodes).size > 0 ? [{ text, selector }] : [];
  });
  if (asking.length === 0) return fleet;
  const [{ loadKnowledge }, { journalFile }] = await Promise.all([
    import('../operations/knowledge.js'),
    import('../journal/paths.js'),
  ]);
  const { io, clock } = around;
  const there = existsSync(journalFile(fleet.id, io.env, io.env['HOME'] ?? homedir()));
  const knowledge = there
    ? await withJournal({ fleet, io, clock, lookOnly: true }, async (journal) => await loadKnowledge(journal, fleet))
    : new Map();
  const knowing = { ...fleet, knowledge };
  for (const { text, selector } of asking) {
    const note = ageNote(text, selector, knowing, clock.now());
    if (note !== '') await around.say(note);
  }
  return knowing;
}

/** How old is what a selector was answered with, and of which nodes nothing is known. */
function ageNote(text: string, selector: Selector, fleet: Fleet, now: number): string {
  const explained = explainSelector(text, selector, fleet);
  const times = explained.flatMap(({ because }) =>
    because.flatMap(({ at }) => (at === undefined ? [] : [Date.parse(at)])),
  );
  const unknown = unknownNodes(explained);
  const lines: string[] = [];
  if (times.length > 0) {
    const newest = age(now - Math.max(...times));
    const oldest = age(now - Math.min(...times));
    lines.push(
      `“${text}” is answered from the journal, seen ${newest === oldest ? newest : `between ${oldest} and ${newest}`}`,
    );
  }
  if (times.length > 0 && unknown.length > 0)
    lines.push(
      `not known, and left out: ${count(unknown.length, 'node')} (${foldNames(unknown)}); edgectl node facts asks them`,
    );
  return lines.join('\n');
}

/** A word that is no selector is somebody else's business: the command will say what is wrong with it. */
function parsed(text: string): Selector | undefined {
  try {
    return parseSelector(text);
  } catch (error) {
    if (error instanceof EdgectlError) return undefined;
    throw error;
  }
}
