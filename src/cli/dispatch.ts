import { Config } from '@oclif/core/config';
import { run } from '@oclif/core/run';
import { EdgectlError } from '../errors/error.js';
import { errorEnvelope } from './envelope.js';
import { reportOf } from './error-report.js';
import { formatFromArgv } from './flags.js';
import { processIo, write } from './io.js';
import { formatError } from './output.js';
import { suggest } from '../fleet/suggest.js';

/** Finds the command and runs it; errors before and outside of a command are shown as a command would. */
export async function dispatch(argv: readonly string[], root: string): Promise<void> {
  try {
    const config = await Config.load({ root });
    refuseUnknown(argv, config);
    await run([...argv], config);
  } catch (thrown) {
    if (isExit(thrown)) {
      process.exitCode = thrown.oclif.exit;
      return;
    }
    await show(thrown, argv);
  }
}

/** An operator's tool never guesses which command was meant: it names the nearest one and stops. */
function refuseUnknown(argv: readonly string[], config: Config): void {
  const words = wordsOf(argv);
  if (words.length === 0 || argv.includes('--help') || argv.includes('-h') || words[0] === 'help') return;
  const ids = config.commandIDs.map((id) => id.replaceAll(':', ' '));
  const topics = config.topics.map((topic) => topic.name.replaceAll(':', ' '));
  for (let length = words.length; length > 0; length -= 1) {
    const id = words.slice(0, length).join(' ');
    if (ids.includes(id)) return;
    if (topics.includes(id) && length === words.length) return;
  }
  const typed = words.slice(0, 2).join(' ');
  const near = suggest(typed, ids) ?? suggest(words[0] ?? '', [...new Set(ids.map((id) => id.split(' ')[0] ?? ''))]);
  throw new EdgectlError('USAGE', {
    message: `There is no command ${JSON.stringify(typed)}.`,
    hint: near === undefined ? 'edgectl --help' : `did you mean: edgectl ${near}`,
  });
}

function wordsOf(argv: readonly string[]): string[] {
  const flag = argv.findIndex((word) => word.startsWith('-'));
  return argv.slice(0, flag === -1 ? undefined : flag);
}

function isExit(thrown: unknown): thrown is { oclif: { exit: number } } {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIT' && 'oclif' in thrown;
}

async function show(thrown: unknown, argv: readonly string[]): Promise<void> {
  const io = processIo();
  const report = reportOf(thrown, { parsing: false, command: '' });
  process.exitCode = report.exitCode;
  const format = formatFromArgv(argv, io.env);
  await write(io.stdout, await formatError(format, errorEnvelope(wordsOf(argv).join(' '), report)));
  if (format !== 'table' && format !== 'wide') return;
  const { renderError } = await import('../render/error.js');
  const { createUi } = await import('../render/ui.js');
  const ui = createUi({ isTTY: io.stderrIsTTY, env: io.env, noColor: argv.includes('--no-color'), width: io.columns });
  await write(io.stderr, renderError(report, { ui, debug: argv.includes('--debug') }));
}
