import { attributeSections } from './table.js';
import type { Attribute } from './types.js';

/** docs/reference/attributes.md. */
export function attributesPage(): string[] {
  return [
    '# Attributes',
    '',
    'What `edgectl drift sweep` sees of a node. The first part of a name is its section; a section whose digest has not changed is only named by',
    'the node. What cannot be seen is `unknown` with a reason, which is `privilege` where the login may not look, `timeout` where something did not',
    'answer in time, `invalid` where the node sent what is none, else as the table says.',
    '',
    'How values are written: numbers and bytes in decimal, times in RFC 3339 UTC, digests as `sha256:<hex>`, lists sorted with a blank between two',
    'words and `none` for no word, flags `yes` or `no`, modes in four octal digits.',
    'A *volatile* one changes by itself: only the newest is kept, it has no history and is no drift. *Own* means that every node has its own, so that',
    'nodes are not compared by it.',
    ...attributeSections.flatMap(({ section, attributes }) => [
      '',
      `## ${section}`,
      '',
      '| attribute | kind | what | unknown when |',
      '| --- | --- | --- | --- |',
      ...attributes.map(row),
    ]),
    '',
    '## How to add one',
    '',
    '1. Its row in the file of its section, `src/facts/attributes/<section>.ts`; a new section is a new file there and a line in `table.ts`.',
    '2. Its probe: a call of `ob` (or `ob_no` with the reason) in the function `obs_<section>` of `templates/node/24-observe-machine.sh` or',
    '   `26-observe-software.sh`; a new section also goes into `OB_SECTIONS` of `23-observe.sh`. It must be POSIX sh, run under dash, bash and busybox,',
    '   start nothing that can wait for ever without `timeout`, and write nothing. Never read a number of /proc/sys with the shell’s `read`.',
    '3. A case: a file in `test/cases/attributes/` with the lines that a node answers and the observations that come of them.',
    '',
    'The tests fail when a node sends an attribute that has no row, and when a section has no case.',
  ];
}

function row({ name, kind, unit, words, volatile, own, what, unknown }: Attribute): string {
  const marks = [volatile === true ? '*volatile*' : '', own === true ? '*own*' : ''].filter((mark) => mark !== '');
  const form = [
    kind + (unit === undefined ? '' : `, ${unit}`),
    ...(words ?? []).map((word) => `or \`${word}\``),
    ...marks,
  ];
  return `| \`${name}\` | ${form.join(' ')} | ${what} | ${unknown ?? ''} |`;
}
