import type { FoldedFinding } from '../../drift/fold.js';
import type { Finding } from '../../drift/types.js';
import { shortDigest } from '../units.js';

type Told = Pick<Finding, 'kind' | 'class' | 'attribute' | 'found' | 'expected' | 'why' | 'run' | 'changes'>;

/** The word that stands before a finding: its severity when it is unexpected, else its class. */
export function labelOf(finding: Pick<FoldedFinding, 'class' | 'severity'>): string {
  return (finding.class === 'unexpected' ? finding.severity : finding.class).toUpperCase();
}

/** What a finding is about, for people: a runtime by its name, everything else by its attribute. */
export function subjectOf(attribute: string): string {
  return /^runtime\.(?<name>.+)\.(bundle|version|running)$/.exec(attribute)?.groups?.['name'] ?? attribute;
}

/** A finding as one sentence, without its nodes. `full`: digests are not shortened. */
export function sentenceOf(finding: Told, full = false): string {
  const also =
    finding.changes === undefined || finding.kind === 'flapping'
      ? ''
      : `; changed ${finding.changes} times within a day`;
  return `${plain(finding, full)}${also}${finding.run === undefined ? '' : ` — run ${finding.run}`}`;
}

function plain(finding: Told, full: boolean): string {
  const { kind, attribute, why, changes } = finding;
  const value = (text: string | null): string =>
    text === null ? 'not known' : text === '' ? 'empty' : full ? text : shorter(text);
  const subject = subjectOf(attribute);
  const is = subject === attribute ? ' is ' : ' ';
  const because = why === '' ? '' : finding.class === 'expected' ? `: ${why}` : ` (${why})`;
  switch (kind) {
    case 'desired':
      if (finding.found === null) return `${subject} was not seen: ${why}; should be ${value(finding.expected)}`;
      return `${subject}${is}${value(finding.found)}, should be ${value(finding.expected)}${because}`;
    case 'advisory':
      return `${subject}${is}${value(finding.found)}, fixed in ${value(finding.expected)}${because}`;
    case 'peers':
      return finding.class === 'unexpected'
        ? `${subject}${is}${value(finding.found)}; ${why}`
        : `${subject}${is}${value(finding.found)}, its peers have ${value(finding.expected)}${because}`;
    case 'contradiction':
      return finding.class === 'unexpected'
        ? `${subject}: ${why}`
        : `${subject} ${value(finding.expected)} runs as ${value(finding.found)}${because}`;
    case 'flapping':
      return `${subject} changed ${changes ?? 0} times within a day, now ${value(finding.found)}${because}`;
    case 'unseen':
      return why;
  }
}

/** Digests are told by their ends. */
function shorter(text: string): string {
  return /^sha256:[0-9a-f]{64}$/.test(text) ? shortDigest(text) : text;
}
