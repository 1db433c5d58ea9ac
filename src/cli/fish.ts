/** What a completion script is made of: oclif's commands, or the part of them that matters. */
export interface CompletedCommand {
  /** `rollout:runtime`. */
  id: string;
  aliases?: readonly string[];
  summary?: string | undefined;
  hidden?: boolean | undefined;
  args: Readonly<Record<string, { options?: readonly string[] | undefined }>>;
  flags: Readonly<
    Record<
      string,
      {
        type: 'boolean' | 'option';
        char?: string | undefined;
        summary?: string | undefined;
        description?: string | undefined;
        options?: readonly string[] | undefined;
        helpValue?: string | readonly string[] | undefined;
        hidden?: boolean | undefined;
      }
    >
  >;
}

/** Arguments whose values edgectl itself can list, and the command that lists them. */
const listed: Readonly<Record<string, string>> = {
  node: 'edgectl fleet list -o name 2>/dev/null',
  run: 'edgectl run list -o name 2>/dev/null',
};
const filesLike = /FILE|DIR|PLAN/u;

const helpers = `function __edgectl_words
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        string match -q -- '-*' $word; or echo $word
    end
end
# Are these the first words after edgectl? With --only they are all.
function __edgectl_at
    set -l words (__edgectl_words)
    set -l only 0
    if test "$argv[1]" = --only
        set only 1
        set -e argv[1]
    end
    test (count $words) -ge (count $argv); or return 1
    test $only = 0; or test (count $words) -eq (count $argv); or return 1
    for i in (seq (count $argv))
        test "$words[$i]" = "$argv[$i]"; or return 1
    end
end`;

/** The completion script for fish (complete(1) of fish 3), whole and static: it starts edgectl only for names of nodes and runs. */
export function fishCompletion(
  commands: readonly CompletedCommand[],
  topics: readonly { name: string; description?: string | undefined }[],
): string {
  const shown = commands.filter(({ hidden }) => hidden !== true);
  const named = shown.flatMap((command) => [command.id, ...(command.aliases ?? [])].map((id) => ({ id, command })));
  const lines = [
    '# Completion of edgectl for fish; made by: edgectl completion fish',
    helpers,
    'complete -c edgectl -f',
  ];
  const words = new Map<string, string>();
  for (const { id, command } of named) {
    const path = id.replaceAll(':', ' ').split(' ');
    const [first = '', second] = path;
    if (second === undefined) words.set(first, command.summary ?? '');
    else if (!words.has(first)) words.set(first, topics.find(({ name }) => name === first)?.description ?? '');
  }
  for (const [word, text] of words) lines.push(offer('__edgectl_at --only', word, text));
  for (const { id, command } of named) {
    const path = id.replaceAll(':', ' ').split(' ');
    const last = path.at(-1) ?? '';
    if (path.length > 1)
      lines.push(offer(`__edgectl_at --only ${path.slice(0, -1).join(' ')}`, last, command.summary ?? ''));
    lines.push(...argumentsOf(path, command), ...flagsOf(path, command));
  }
  return `${lines.join('\n')}\n`;
}

function offer(condition: string, word: string, text: string): string {
  return `complete -c edgectl -n ${quote(condition)} -a ${quote(word)} -d ${quote(short(text))}`;
}

function argumentsOf(path: readonly string[], { args }: CompletedCommand): string[] {
  const condition = `-n ${quote(`__edgectl_at ${path.join(' ')}`)}`;
  return Object.entries(args).flatMap(([name, { options }]) => {
    if (options !== undefined) return [`complete -c edgectl ${condition} -a ${quote(options.join(' '))}`];
    const list = listed[name];
    if (list !== undefined) return [`complete -c edgectl ${condition} -a ${quote(`(${list})`)}`];
    return /file|dir|plan|source|bundle/u.test(name) ? [`complete -c edgectl ${condition} -F`] : [];
  });
}

function flagsOf(path: readonly string[], { flags }: CompletedCommand): string[] {
  const condition = `-n ${quote(`__edgectl_at ${path.join(' ')}`)}`;
  return Object.entries(flags).flatMap(([name, flag]) => {
    if (flag.hidden === true) return [];
    const { char, options, type } = flag;
    const text = short(flag.summary ?? flag.description ?? '');
    const short1 = char === undefined ? '' : ` -s ${char}`;
    const takesFile = filesLike.test([flag.helpValue].flat().join(' '));
    const value =
      type === 'boolean' ? '' : options ? ` -x -a ${quote(options.join(' '))}` : takesFile ? ' -r -F' : ' -x';
    return [`complete -c edgectl ${condition} -l ${name}${short1}${value} -d ${quote(text)}`];
  });
}

/** The first sentence, short enough for a menu. */
function short(text: string): string {
  const first = text.split(/[.:;] |\.$|\n/u)[0] ?? '';
  return first.length > 70 ? `${first.slice(0, 69)}…` : first;
}

/** Single quotes of fish: only the quote and the backslash are special in them. */
function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/gu, '\\$&')}'`;
}
