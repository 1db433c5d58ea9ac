import {
  codeTable,
  exitPrecedence,
  nodeStateTable,
  runStateTable,
  transportTable,
  txTable,
  verdictTable,
  whyTable,
  type OutcomeRow,
} from './states.js';

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const outcomeRows = (rows: Readonly<Record<string, OutcomeRow>>): string =>
  table(
    ['seen', 'outcome', 'node state', 'tried again unasked', 'meaning'],
    Object.entries(rows).map(([key, row]) => [
      `\`${key}\``,
      row.outcome,
      `\`${row.state}\``,
      row.retryable === true ? 'yes' : '',
      row.meaning,
    ]),
  );

/** docs/concepts/run-states.md, from the one table in states.ts. */
export function statesPage(): string {
  return `# States of nodes and runs, and exit codes

Generated from \`src/plan/states.ts\`; a test fails when this page is not fresh.

## Node states

"scored" is what a gate counts. A final state is left only by an explicit retry. A state that holds the budget keeps its
node's place in the unavailability budget of its site or region.

${table(
  ['state', 'scored', 'final', 'holds budget', 'exit code', 'meaning'],
  nodeStateTable.map((row) => [
    `\`${row.state}\``,
    row.scored,
    row.final ? 'yes' : '',
    row.holdsBudget ? 'yes' : '',
    String(row.exit),
    row.meaning,
  ]),
)}

## Run states

${table(
  ['state', 'ended for good', 'exit code', 'when'],
  runStateTable.map((row) => [`\`${row.state}\``, row.terminal ? 'yes' : '', String(row.exit), row.meaning]),
)}

## Exit code of a run

When several hold, the first of ${exitPrecedence.join(' > ')} wins. Each node contributes the code of its state, with these rules:

- 4 only when refusals are all that happened; one refused node among others counts as 1.
- 8 when every node that was attempted was stale or superseded, or more nodes were stale than the policy's \`maxStale\`.
- 9 when another run held the lease of every node that was attempted.
- Failures up to the policy's \`maxFailed\` contribute nothing, when every gate was passed and a node succeeded.

## What a node's transaction comes to

${outcomeRows(txTable)}

The reason of an \`ABORT\` or \`REVERTED\` decides further. An abort is \`failed\`, never \`rolled_back\`: nothing had been switched.

${outcomeRows(whyTable)}

## What a refusal comes to

${outcomeRows(codeTable)}

## What silence comes to

Before the first changing call of a step that changes what runs, and after it.

${table(
  ['seen', 'before', 'after', 'meaning'],
  Object.entries(transportTable).map(([key, row]) => [
    `\`${key}\``,
    `\`${row.before.state}\``,
    `\`${row.after.state}\``,
    row.before.meaning,
  ]),
)}

## What the executor concludes

${outcomeRows(verdictTable)}
`;
}
