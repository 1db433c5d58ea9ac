import * as Flags from '@oclif/core/flags';

/** Output formats of `-o`. */
export const formats = ['table', 'wide', 'json', 'yaml', 'ndjson', 'name'] as const;
export type Format = (typeof formats)[number];

/** Flags that every command has; `yes` only where the command changes something. */
export const sharedFlags = {
  fleet: Flags.string({
    helpGroup: 'GLOBAL',
    helpValue: 'DIR',
    env: 'EDGECTL_FLEET',
    summary: 'Fleet repository; found upwards from here when absent.',
  }),
  output: Flags.string({
    char: 'o',
    helpGroup: 'GLOBAL',
    helpValue: formats.join('|'),
    env: 'EDGECTL_OUTPUT',
    options: [...formats],
    default: 'table',
    summary: 'How results are written on standard output.',
  }),
  json: Flags.boolean({ helpGroup: 'GLOBAL', env: 'EDGECTL_JSON', summary: 'The same as -o json.' }),
  debug: Flags.boolean({ helpGroup: 'GLOBAL', env: 'EDGECTL_DEBUG', summary: 'Show stack traces.' }),
  'no-color': Flags.boolean({
    helpGroup: 'GLOBAL',
    env: 'EDGECTL_NO_COLOR',
    summary: 'No colours; NO_COLOR and FORCE_COLOR are honoured too.',
  }),
  yes: Flags.boolean({
    char: 'y',
    helpGroup: 'GLOBAL',
    env: 'EDGECTL_YES',
    summary: 'Do not ask before changing anything.',
  }),
};

/** Flags of the commands that carry plans out. */
export const runFlags = {
  report: Flags.string({
    // Greedy, it would swallow the arguments behind it.
    multiple: true,
    multipleNonGreedy: true,
    delimiter: ',',
    helpValue: 'junit=FILE|github',
    env: 'EDGECTL_REPORT',
    summary: 'Also report to CI: JUnit XML in a file, annotations for GitHub.',
  }),
};

/** Flags of the commands that need root on nodes. */
export const sudoFlags = {
  'ask-sudo-password': Flags.boolean({
    exclusive: ['sudo-password-file'],
    summary: 'Ask for the password that sudo wants on the nodes.',
  }),
  'sudo-password-file': Flags.string({
    helpValue: 'FILE',
    summary: 'Read it from this file, which only you may read.',
  }),
};

/** The environment variable of a flag: `no-color` → `EDGECTL_NO_COLOR`. */
export function envName(flag: string): string {
  return `EDGECTL_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** The flags that a command really takes: each with its environment variable, `yes` only on changing commands. */
export function effectiveFlags<T extends { env?: string | undefined }>(
  flags: Readonly<Record<string, T>>,
  changing: boolean,
): Record<string, T> {
  const kept = Object.entries(flags).filter(([name]) => changing || name !== 'yes');
  return Object.fromEntries(kept.map(([name, flag]) => [name, { ...flag, env: flag.env ?? envName(name) }]));
}

/** The output format that a raw command line asks for, for errors that come before parsing. */
export function formatFromArgv(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Format {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  if (words.includes('--json')) return 'json';
  for (const [index, word] of words.entries()) {
    const value =
      word === '-o' || word === '--output'
        ? words[index + 1]
        : /^(?:-o=?|--output=)(?<value>.+)$/.exec(word)?.groups?.['value'];
    const known = formats.find((format) => format === value);
    if (known) return known;
  }
  if (/^(?:1|true|yes|y|on)$/i.test(env['EDGECTL_JSON'] ?? '')) return 'json';
  return formats.find((format) => format === env['EDGECTL_OUTPUT']) ?? 'table';
}
