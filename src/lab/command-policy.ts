import { kitPath } from '../node/command.js';
import { splitShellWords } from './shell-words.js';

/** What a lab node does with the command of an exec request. */
export type ExecDecision =
  | { kind: 'kit'; args: string[] }
  | { kind: 'run'; argv: string[] }
  | { kind: 'refuse'; status: number; message: string };

/**
 * Programs that read and never change anything: a lab node is a directory on the user's own computer, and
 * `edgectl node exec --all -- reboot` must not be the end of it.
 */
const harmless = new Set(
  'cat df echo false free head id ls nproc printf ps pwd sleep tail test true uname uptime wc whoami'.split(' '),
);

/** Decide what a lab node runs for a command line: the kit, a harmless program, the script that first contact pipes to `sh -s`, or nothing. */
export function decideExec(command: string): ExecDecision {
  const words = splitShellWords(command);
  if (!words || words.length === 0) return refuse('a command line that needs a shell');
  const argv = withoutSudo(words);
  const program = argv[0];
  if (program === kitPath) return { kind: 'kit', args: argv.slice(1) };
  if (program === undefined) return refuse('sudo without a command');
  if (isScriptOnStdin(argv)) return { kind: 'run', argv };
  // Without a format, and with -s or a bare time, it would set the clock.
  if (program === 'date' && argv.slice(1).every((word) => word.startsWith('+'))) return { kind: 'run', argv };
  if (harmless.has(program)) return { kind: 'run', argv };
  return refuse(program);
}

function withoutSudo(words: string[]): string[] {
  if (words[0] !== 'sudo') return words;
  let i = 1;
  while (words[i] === '-n' || words[i] === '--') i++;
  return words.slice(i);
}

function isScriptOnStdin(argv: string[]): boolean {
  return (argv[0] === 'sh' || argv[0] === '/bin/sh') && argv.length === 2 && argv[1] === '-s';
}

function refuse(what: string): ExecDecision {
  return {
    kind: 'refuse',
    status: 126,
    message:
      `edgectl lab: not run: ${what}. A node of the embedded lab is a directory on this computer, so only the node kit ` +
      `and programs that change nothing are run (${[...harmless].join(' ')}).\n`,
  };
}
